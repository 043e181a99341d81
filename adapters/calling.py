"""Whether something can be called as an attack, FUNCTION(model, images, labels); the mend if not.

Most libraries have classes, that are built with the model and called with the rest. What is
measured is a function of the user's, so that nobody has to guess how a class is meant to be used:
the error has the function that is wanted, ready to be copied.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from torch import nn

from adapters import registry, sources
from adapters.base import AdapterError

GIVEN = ("model", "images", "labels")
"""What an attack is called with, in this order."""
_MODELS = ("model", "net", "network", "classifier", "estimator", "predict", "victim", "module")
"""What the model is called in constructors."""
_METHODS = ("__call__", "forward", "perturb", "attack", "generate", "run")
"""How classes of attacks are asked for adversarial images, the likeliest first."""


def check(function: Callable[..., Any], name: str, text: str, module: ModuleType) -> None:
    """See whether something callable takes a model, images and labels.

    Args:
        function: what the user named.
        name: its name.
        text: all that the user wrote, for errors.
        module: where it was found.

    Raises:
        AdapterError: it does not; the message has a function that would.
    """
    if isinstance(function, type):
        raise AdapterError(
            f"--attack {text}: {name} is a class, and what is measured is a function of (model,"
            f" images, labels); {_wrapper(_made(function, name), name, module)}"
        )
    if not _takes(_called(function)):
        parameters = list(inspect.signature(_called(function)).parameters.values())
        call = f"{name}({', '.join(_words(parameters, GIVEN))})"
        raise AdapterError(
            f"--attack {text}: {name} can't be called with (model, images, labels), it is"
            f" {name}{_signature(function)}; {_wrapper(call, name, module)}"
        )


def _takes(function: Callable[..., Any]) -> bool:
    try:
        signature = inspect.signature(function)
    except ValueError:  # built-in functions may have no signature; calling it will tell
        return True
    try:
        signature.bind(*GIVEN)
    except TypeError:
        return False
    return not any(name in _MODELS for name in list(signature.parameters)[1 : len(GIVEN)])


def _signature(function: Callable[..., Any]) -> str:
    return str(inspect.signature(_called(function)))


def _called(function: Callable[..., Any]) -> Callable[..., Any]:
    return function.forward if isinstance(function, nn.Module) else function


def _words(parameters: Sequence[inspect.Parameter], given: Sequence[str]) -> list[str]:
    """The arguments to pass, as far as their names tell; "..." is for the user to fill in.

    Args:
        parameters: of what is called.
        given: of `GIVEN`, what it is to have.
    """
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    named = any(parameter.name in _MODELS for parameter in parameters)
    unnamed_model = not named and len(positional) >= len(GIVEN)
    left = [word for word in given if word != "model" or unnamed_model]
    words = []
    for parameter in positional:
        if parameter.name in _MODELS:
            words.append("model")
        elif left:
            words.append(left.pop(0))
        elif parameter.default is parameter.empty:
            words.append(f"{parameter.name}=...")
    if any(parameter.kind == parameter.VAR_POSITIONAL for parameter in parameters):
        words += left
    needed = [p for p in parameters if p.kind == p.KEYWORD_ONLY and p.default is p.empty]
    return words + [f"{parameter.name}=..." for parameter in needed]


def _made(cls: type, name: str) -> str:
    """How an instance is made with the model and asked."""
    try:
        parameters = list(inspect.signature(cls).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    takes_model = any(parameter.name in _MODELS for parameter in parameters)
    built = _words(parameters, ["model"] if takes_model else [])
    own = {method: getattr(cls, method) for base in cls.__mro__[:-1] for method in vars(base)}
    method = next((word for word in _METHODS if word in own), "__call__")
    call = "" if method in ("__call__", "forward") else f".{method}"
    given = GIVEN[1:] if takes_model else GIVEN
    asked = list(given)
    if method in own:
        _, *rest = inspect.signature(own[method]).parameters.values()
        asked = _words(rest, given)
    return f"{name}({', '.join(built)}){call}({', '.join(asked)})"


def _wrapper(call: str, name: str, module: ModuleType) -> str:
    function = name.lower() if name.lower() != name else f"my_{name}"
    source = getattr(module, "__file__", None) or ""
    lines = f"def {function}(model, images, labels): return {call}"
    if sources.is_users(source):
        return f"add `{lines}` to it, and name {function}"
    package = module.__name__
    lines = f"def {function}(model, images, labels): return {package}.{call}"
    library = package.partition(".")[0]
    known = f"; or measure it as {library}'s own users do, --libs {library}"
    return (
        f"write a file my_attacks.py with the two lines `import {package}` and `{lines}`, and give"
        f" --attack my_attacks.py:{function}{known if library in registry.names() else ''}"
    )
