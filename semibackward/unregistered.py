"""Networks that a model holds and does not register, as in a plain list.

`model.parameters()` does not list theirs, so nobody who asks the model freezes, trains, moves or
saves them.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import sys
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from semibackward import telling
from semibackward.grammar import counted, form

MOST_ELEMENTS = 100
"""Of one container that are looked at."""
MOST_LOOKS = 2000
"""At values of one model."""
DEPTH = 3
"""Steps from an attribute: a list, a wrapper in it, the wrapper's `model`."""

_COLLECTIONS = (list, tuple, set, frozenset, deque)
_MODULES_OWN = frozenset(vars(nn.Module()))
_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes, type, torch.Size})


@dataclass(frozen=True)
class Unregistered:
    """An attribute, or a global, that holds what should have been registered.

    Attributes:
        where: in words, as "its list `models`".
        networks: modules with trainable parameters that are not the model's.
        tensors: leaf tensors that require a gradient and are not the model's.
        mend: what to do.
    """

    where: str
    networks: int
    tensors: int
    mend: str

    def __str__(self) -> str:
        held = [(self.networks, "network"), (self.tensors, "trainable tensor")]
        said = " and ".join(counted(n, what) for n, what in held if n)
        are = form(self.networks + self.tensors, "is", "are")
        return f"{self.where} holds {said} that {are} not registered; {self.mend}"


def check(models: Sequence[nn.Module], modules: Sequence[nn.Module]) -> None:
    """Refuse models in which nothing can be frozen; warn of what in them is not.

    Args:
        models: what shall be frozen.
        modules: theirs, and themselves.

    Raises:
        TypeError: they have no parameter, and hold networks that are not registered.
    """
    empty = not any(p is not None for module in modules for p in module._parameters.values())
    found = look(models, modules, everywhere=empty)
    if not found:
        return
    said = "; ".join(map(str, found))
    if empty:
        raise TypeError(
            f"semi_backward() can freeze nothing, for the model has no parameters: {said}"
        )
    place = telling.outside(sys._getframe(1))
    if place is not None:
        telling.warn(f"semi_backward(...) freezes only what is registered: {said}", place)


def look(
    models: Sequence[nn.Module], modules: Iterable[nn.Module], everywhere: bool = True
) -> list[Unregistered]:
    """What models hold without registering it, if it is trainable.

    Args:
        models: what is to be frozen.
        modules: theirs, and themselves.
        everywhere: look at class attributes, at what `forward` uses and at single tensors, too;
            else only at networks in the attributes of modules that are not torch's.
    """
    search = _Search(models, tensors=everywhere)
    found = []
    for module in modules:
        for place in _places(module, everywhere):
            if held := list(search.find(place.value)):
                found.append(_described(place, held, models))
    return found


class _Place(NamedTuple):
    """Where a network may be."""

    module: nn.Module
    name: str
    value: Any
    is_global: bool = False


def _places(module: nn.Module, everywhere: bool) -> Iterator[_Place]:
    kind = type(module)
    if not kind.__module__.startswith("torch.") or isinstance(module, nn.Sequential):
        for name, value in vars(module).items():
            if type(value) not in _PLAIN and name not in _MODULES_OWN:
                yield _Place(module, name, value)
    if not everywhere:
        return
    for owner in kind.__mro__:
        if owner.__module__.startswith("torch.") or owner is object:
            continue
        for name, value in vars(owner).items():
            if isinstance(value, (nn.Module, Mapping, *_COLLECTIONS)):
                yield _Place(module, name, value)
    forward = inspect.getattr_static(kind, "forward")  # torch.jit's runs code when it is asked for
    forward = getattr(forward, "__wrapped__", forward)
    if isinstance(forward, FunctionType) and not kind.__module__.startswith("torch."):
        yield _Place(module, "forward", forward)
        for name in sorted(_names(forward.__code__) & forward.__globals__.keys()):
            value = forward.__globals__[name]
            if isinstance(value, (nn.Module, functools.partial, Mapping, *_COLLECTIONS)):
                yield _Place(module, name, value, is_global=True)


def _names(code: CodeType) -> set[str]:
    inner = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*inner)


class _Search:
    """Finds, in values of any class, networks and tensors that nobody else found before."""

    def __init__(self, models: Sequence[nn.Module], tensors: bool) -> None:
        self._models = models
        self._tensors = tensors
        self._seen: set[int] = set()

    @functools.cached_property
    def _known(self) -> set[int]:
        return {id(parameter) for model in self._models for parameter in model.parameters()}

    def find(self, value: Any, depth: int = DEPTH) -> Iterator[nn.Module | Tensor]:
        if type(value) in _PLAIN or id(value) in self._seen or len(self._seen) >= MOST_LOOKS:
            return
        self._seen.add(id(value))
        if isinstance(value, Tensor):
            if self._is_hidden(value) and (self._tensors or isinstance(value, nn.Parameter)):
                yield value
        elif isinstance(value, nn.Module) and any(map(self._is_hidden, value.parameters())):
            yield value
        elif depth:
            for held in itertools.islice(_inside(value), MOST_ELEMENTS):
                yield from self.find(held, depth - 1)

    def _is_hidden(self, tensor: Tensor) -> bool:
        return tensor.requires_grad and tensor.is_leaf and id(tensor) not in self._known


def _inside(value: Any) -> Iterator[Any]:
    """What a value holds, without running code of its class."""
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, _COLLECTIONS):
        yield from value
    elif isinstance(value, functools.partial):
        yield from (value.func, *value.args, *value.keywords.values())
    elif isinstance(value, MethodType):
        yield value.__self__
    elif isinstance(value, FunctionType):
        for cell in value.__closure__ or ():
            with contextlib.suppress(ValueError):  # nothing was put into it yet
                yield cell.cell_contents
    elif isinstance(value, weakref.ref):
        yield value()
    elif isinstance(value, nn.Module):
        for module in value.modules():
            yield from (place.value for place in _places(module, everywhere=False))
    elif not isinstance(value, (type, ModuleType)) and not _is_torchs(value):
        yield from getattr(value, "__dict__", {}).values()
        for owner in type(value).__mro__:
            names = vars(owner).get("__slots__", ())
            for name in (names,) if isinstance(names, str) else names:
                yield getattr(value, name, None)


def _is_torchs(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "torch"


def _described(
    place: _Place, found: list[nn.Module | Tensor], models: Sequence[nn.Module]
) -> Unregistered:
    value = place.value
    tensors = sum(isinstance(one, Tensor) for one in found)
    paths = (path for model in models for path, m in model.named_modules() if m is place.module)
    path = f"{next(paths, '')}.{place.name}".lstrip(".")
    kind = "attribute" if isinstance(value, (nn.Module, Tensor)) else type(value).__name__
    where = f"the global {kind} `{place.name}`" if place.is_global else f"its {kind} `{path}`"
    reached = place.name if place.is_global else f"model.{path}"
    return Unregistered(where, len(found) - tensors, tensors, _mend(reached, value, found))


def _mend(reached: str, value: Any, found: list[nn.Module | Tensor]) -> str:
    """What to do about networks and tensors found in a value that is reached so."""
    if all(isinstance(one, Tensor) for one in found):
        return "use nn.Parameter" if isinstance(value, Tensor) else "use nn.ParameterList"
    if isinstance(value, nn.Module):
        return f"assign it as an attribute, or semi_backward(model, {reached})"
    direct = isinstance(value, (dict, *_COLLECTIONS)) and all(
        any(one is held for held in _inside(value)) for one in found
    )
    if direct and isinstance(value, dict):
        return f"use nn.ModuleDict, or semi_backward(model, *{reached}.values())"
    if direct:
        return f"use nn.ModuleList, or semi_backward(model, *{reached})"
    them = "them attributes" if len(found) > 1 else "it an attribute"
    return f"make {them} of the module, or hand {them.split()[0]} to semi_backward() too"
