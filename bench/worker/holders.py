"""Who holds a network or a tensor: the name by which the attack, or the model, knows it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import FrameType, FunctionType, MethodType, ModuleType
from typing import Any

from torch import Tensor, nn

from bench.worker import frames

DEEPEST = 4
"""Attributes and items on the way from a name to what it holds."""
MOST = 20_000
"""Values that are looked at, in all."""
_PLAIN = (Tensor, str, bytes, int, float, complex, type, type(None), ModuleType, PurePath)
_INTERNAL = {"_modules", "_parameters", "_buffers"}


@dataclass(frozen=True)
class Holder:
    """A name, and what it is a name of.

    Attributes:
        name: as the code has it, as "self.nets"; of the model's attributes, without the model.
        where: "a global of mine.py", "in attack, mine.py" or "of Ensemble".
        code: that gets `value`, where the model is called so.
        path: to the very thing, with the items of lists, as "self.nets[0]".
        value: what has the name: the thing, a network that it is part of, or what contains it.
        unregistered: whether the model holds it, where it does not look for its parts.
    """

    name: str
    where: str
    code: str
    path: str
    value: Any
    unregistered: bool = False

    def __str__(self) -> str:
        comma = "," if self.where.startswith("a global") else ""
        return f"`{self.name}`{comma} {self.where}"

    @property
    def unpacked(self) -> str:
        """What names each network that it holds, as arguments of a call."""
        if isinstance(self.value, dict):
            return f"*{self.code}.values()"
        return f"*{self.code}" if isinstance(self.value, list | tuple | set) else self.code


def holder(thing: nn.Module | Tensor, model: nn.Module, frame: FrameType | None) -> Holder | None:
    """The name of a thing: among the model's attributes, or else in the attack's code.

    Args:
        thing: whose name.
        model: what the attack was given.
        frame: in which it is used; the outermost of the attack's frames is looked at first.
    """
    look = _Search(thing)
    for path, part in model.named_modules():
        for name, value in vars(part).items():
            found = None if name in _INTERNAL else look.inside(value, DEEPEST)
            if found is not None:
                prefix = f"model.{path}.{name}" if path else f"model.{name}"
                return Holder(
                    name + found.name,
                    f"of {type(part).__name__}",
                    prefix + found.name,
                    prefix + found.path,
                    found.value,
                    unregistered=True,
                )
    for inner in reversed(list(frames.attack_frames(frame))):
        function = inner.f_code.co_name
        file = PurePath(inner.f_code.co_filename).name
        local = {} if inner.f_locals is inner.f_globals else dict(inner.f_locals)
        for names, where in (
            (local, f"in {function}, {file}"),
            (inner.f_globals, f"a global of {file}"),
        ):
            for name, value in list(names.items()):
                if value is model or name.startswith("__"):
                    continue
                found = look.inside(value, DEEPEST)
                if found is not None:
                    code = name + found.name
                    return Holder(code, where, code, name + found.path, found.value)
    return None


@dataclass(frozen=True)
class _Way:
    """From a value to the thing: in words, exactly, and the value that has the last word."""

    name: str
    path: str
    value: Any


class _Search:
    """Looks for one thing in values, in none of them twice."""

    def __init__(self, thing: nn.Module | Tensor) -> None:
        self._thing = thing
        self._seen: dict[int, Any] = {}

    def inside(self, value: Any, deepest: int) -> _Way | None:
        """The way from a value to the thing, if there is one of that many steps."""
        if value is self._thing:
            return _Way("", "", value)
        if isinstance(value, _PLAIN) or id(value) in self._seen or len(self._seen) > MOST:
            return None
        self._seen[id(value)] = value
        if isinstance(value, nn.Module) and any(part is self._thing for part in value.modules()):
            return _Way("", "", value)
        if deepest == 0:
            return None
        for step, part in _parts(value):
            found = self.inside(part, deepest - 1)
            if found is None:
                continue
            if step.startswith("["):
                return _Way("", step + found.path, value)
            return _Way(step + found.name, step + found.path, found.value)
        return None


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """What a value holds, each with the code that gets it; "" where only the value itself does."""
    if isinstance(value, Mapping):
        yield from ((f"[{key!r}]", part) for key, part in list(value.items()))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from ((f"[{index}]", part) for index, part in enumerate(value))
    elif isinstance(value, functools.partial):
        yield from (("", part) for part in (value.func, *value.args, *value.keywords.values()))
    elif isinstance(value, MethodType):
        yield "", value.__self__
    elif isinstance(value, FunctionType):
        yield from (("", cell.cell_contents) for cell in value.__closure__ or () if _filled(cell))
    elif isinstance(value, nn.Module):
        for path, part in value.named_modules():
            prefix = f".{path}" if path else ""
            for name, held in vars(part).items():
                if name not in _INTERNAL:
                    yield f"{prefix}.{name}", held
    elif not type(value).__module__.startswith(("torch", "numpy", "builtins")):
        yield from ((f".{name}", part) for name, part in getattr(value, "__dict__", {}).items())


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - an empty one raises
    except ValueError:
        return False
    return True
