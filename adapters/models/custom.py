"""A user's own model, `FILE.py:NAME` or `package.module:NAME`: an `nn.Module`, or its builder.

The builder is called without arguments. A model is measured in evaluation mode, and otherwise as it
was built: parameters that it freezes itself stay frozen. What shape its images have it may say
itself; see `declared_shape`.
"""

from __future__ import annotations

import contextlib
import inspect
import random
import textwrap
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from adapters import custom, sources
from adapters.base import AdapterError, quiet

if TYPE_CHECKING:
    from torch import nn

EXAMPLE = "my_models.py:build"
"""What is right, for errors."""
OPTION = "--models"
LONGEST = 300
"""Characters of a foreign error that a sentence repeats."""


class NotThere(AdapterError):
    """A module has nothing of that name, or something else than a model or a builder."""


class NoShape(AdapterError):
    """What a model declares as the shape of its images is none."""


_handed_out: weakref.WeakSet[Any] = weakref.WeakSet()
"""Models that a file made when it was imported, and that an earlier case may have changed."""
_seeds: weakref.WeakKeyDictionary[ModuleType, int] = weakref.WeakKeyDictionary()
"""What the random numbers started from when a user's file was imported; others are not known."""


def is_own(name: str) -> bool:
    """Whether a model's name is a user's `FILE.py:NAME` or `package.module:NAME`; timm has none
    with a colon in it."""
    return ":" in name or name.endswith(".py")


def check(text: str, option: str = OPTION) -> None:
    """Look whether it is there, without running it, and without torch.

    Raises:
        AdapterError: the form is wrong, or the file, module or name does not exist.
    """
    custom.parse(text, option, EXAMPLE)


def file_of(text: str) -> Path | None:
    """The user's file; None for a module's name."""
    spec = custom.parse(text, OPTION, EXAMPLE)
    return Path(spec.place) if spec.is_file else None


def build(text: str, option: str = OPTION, seed: int = 0) -> nn.Module:
    """Import the user's model, or call what makes one, without arguments.

    Args:
        text: what the user wrote.
        option: where, for errors.
        seed: what python's, numpy's and torch's random numbers start from, on import and again
            when it is built.

    Raises:
        AdapterError: there is no such name, or it gives no `nn.Module`, or it fails.
    """
    from torch import nn

    found = _found(text, option, seed)
    if isinstance(found, nn.Module):
        _handed_out.add(found)
        return found
    where = f"{option} {text}"
    if not callable(found):
        raise NotThere(f"{where} gives {_named(found)}; {_WANTED}")
    _without_arguments(found, where)
    _seed(seed)
    with _told(where):
        made = found()
    if isinstance(made, type) and issubclass(made, nn.Module):
        raise AdapterError(f"{where} returns the class {made.__name__}; return {made.__name__}()")
    if not isinstance(made, nn.Module):
        raise AdapterError(f"{where} gives {_named(made)}; {_WANTED}")
    return made


_WANTED = (
    "it must be a torch.nn.Module, or a function that returns one when called without arguments"
)


def declared_shape(text: str, seed: int = 0) -> tuple[int, int, int] | None:
    """The shape of images, (channels, height, width), that a model says it takes; None if it is
    silent.

    The rule, the first that is there: the attribute `input_shape` of what the spec names, which is
    then not called; `input_shape` of the model; `input_size` of its `pretrained_cfg` or
    `default_cfg`, as timm's have it; `num_channels` and `image_size` of its `config`, as Hugging
    Face's have it. What a model wraps as its `module` speaks for it.

    Raises:
        NoShape: what it says is none.
        AdapterError: it can't be built.
    """
    found = _found(text, OPTION, seed)
    told = _declared(found, text)
    if told is None and _is_builder(found):
        told = _declared(build(text, OPTION, seed), text)
    return told


def _is_builder(found: object) -> bool:
    return callable(found) and not _is_model(found)


def _declared(model: Any, text: str) -> tuple[int, int, int] | None:
    inner = model
    while inner is not None:
        for said, told in _sayings(inner):
            if told is not None:
                return _shape(told, f"{OPTION} {text}: its {said}")
        wrapped = getattr(inner, "module", None)
        inner = wrapped if wrapped is not inner and hasattr(wrapped, "parameters") else None
    return None


def _sayings(model: Any) -> Iterator[tuple[str, object]]:
    told = getattr(model, "input_shape", None)
    yield "input_shape", None if callable(told) or isinstance(told, property) else told
    for name in ("pretrained_cfg", "default_cfg"):
        config = getattr(model, name, None)
        if isinstance(config, Mapping):
            yield f"{name}['input_size']", config.get("input_size")
        else:
            yield f"{name}.input_size", getattr(config, "input_size", None)
    config = getattr(model, "config", None)
    size, channels = (getattr(config, name, None) for name in ("image_size", "num_channels"))
    if size is not None and channels is not None:
        sides = list(size) if isinstance(size, Sequence) else [size, size]
        yield "config.num_channels and config.image_size", [channels, *sides]


def _shape(told: object, said: str) -> tuple[int, int, int]:
    """What was told, as a shape.

    Raises:
        NoShape: it is none.
    """
    numbers = tuple(told) if isinstance(told, Sequence) and not isinstance(told, str) else ()
    whole = all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in numbers)
    if len(numbers) != 3 or not whole:
        raise NoShape(
            f"{said} is {told!r}, not (channels, height, width); mend it, or give --input, as"
            " --input 1x28x28"
        )
    channels, height, width = numbers
    return channels, height, width


def _found(text: str, option: str, seed: int) -> Any:
    """What a spec names, imported; a model that was made then is one that nobody has had, and that
    was made from this seed.

    Raises:
        NotThere: there is no such name.
        AdapterError: the import fails.
    """
    spec = custom.parse(text, option, EXAMPLE)
    where = f"{option} {text}"
    _seed(seed)
    known = custom.modules()
    with _told(where):
        module = custom.import_place(spec)
    if module not in known:
        _seeds[module] = seed
    if not hasattr(module, spec.function):
        raise NotThere(f"{where}: {spec.place} has no attribute {spec.function!r}")
    found = getattr(module, spec.function)
    if _is_model(found) and (found in _handed_out or _seeds.get(module) != seed):
        _seed(seed)
        with _told(where):
            module = custom.import_again(spec)
        _seeds[module] = seed
        found = getattr(module, spec.function)
    return found


def _is_model(found: object) -> bool:
    from torch import nn

    return isinstance(found, nn.Module)


@contextlib.contextmanager
def _told(where: str) -> Iterator[None]:
    """Inside the block the user's code is quiet; what it raises becomes one line."""
    try:
        with quiet():
            yield
    except (AdapterError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise AdapterError(f"{where}: {spelt(error)}") from error


def spelt(error: BaseException) -> str:
    """A foreign error on one line, with the line of the user's that it passed last."""
    text = textwrap.shorten(f"{type(error).__name__}: {error}", LONGEST, placeholder=" ...")
    last = sources.line_of(error)
    return text.rstrip(": ") + (f" ({sources.spelt(last)})" if last else "")


def _without_arguments(builder: Callable[..., Any], where: str) -> None:
    """Raises:
    AdapterError: it can't be called without arguments.
    """
    try:
        parameters = inspect.signature(builder).parameters.values()
    except (TypeError, ValueError):  # what is written in C tells nothing; calling it will
        return
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [p.name for p in parameters if p.default is p.empty and p.kind not in variadic]
    if needed:
        raise AdapterError(
            f"{where} needs {', '.join(needed)}; name a function that makes the model without"
            " arguments"
        )


def _named(found: object) -> str:
    return "None" if found is None else type(found).__name__


def _seed(seed: int) -> None:
    import numpy
    import torch

    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)
