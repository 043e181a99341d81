"""What a run changes in objects that outlive it, found out and put back: all of it untimed.

Before a run every mutable object within reach of some roots is noted with what it holds: modules,
instances of the user's classes, functions, lists, dicts, tensors, random generators. After it each
of them holds that again. Only the numbers in tensors and arrays are copied, and that once.
"""

from __future__ import annotations

import argparse
import functools
import operator
from collections import deque
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass, replace
from types import CellType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy
import torch
from torch import Tensor, nn

from bench.worker import hidden, values
from bench.worker.values import Array, Values
from bench.worker.views import ClassAttributes, Globals, Slots, slots_of

MOST = 50_000
"""Objects that are noted, those near to the roots first."""
_MISSING = object()
_PLAIN = (int, float, complex, str, bytes, bool, type(None), torch.dtype, torch.device, torch.Size)
_ATOMS = (*_PLAIN, range, slice, ModuleType)
_HOLDERS = (SimpleNamespace, argparse.Namespace, nn.Module, torch.optim.Optimizer)
"""Classes whose instances are looked into beside those of the user's."""
ATTRIBUTE, ITEM, INSIDE, GRADIENT = ".", "[", "(", "'"
"""Steps of a way: to an attribute, an item, what a function keeps to itself, a `.grad`."""
STUCK = "stuck"
_SILENT = ("gradient", "same")
"""Put back, and nothing to tell of."""
_FAULTS = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)
"""Of putting back; what raises one is told as stuck."""
_Way = tuple[Any, str, str] | None
"""How an object was come to: from where, by what step, of what name."""


@dataclass(frozen=True)
class Root:
    """Where to begin.

    Attributes:
        name: by which it is told.
        thing: what has it.
        own: whether it is a module of the user's, and not the model.
        numbers: whether those in its tensors and arrays are put back.
    """

    name: str
    thing: object
    own: bool = False
    numbers: bool = True


@dataclass(frozen=True)
class Change:
    """Something that a run left otherwise than it found it.

    Attributes:
        root: from which it was come to.
        path: the steps from there, each with its name.
        what: "value" of a tensor or an array, "flag" of a tensor, "hook" on one, "attribute" for
            what a name or a place stands for, "new" for one that was not there, "class", "state" of
            a generator or a cache, "stuck" for anything that can't be put back.
        now: what it is, or holds.
    """

    root: Root
    path: tuple[tuple[str, str], ...]
    what: str
    now: object = None


_Found = tuple[_Way, str, object, Callable[[], object] | None]
"""The way to a change, what it is, what is there now, and how to undo it."""
_Next = Iterable[tuple[_Way, object]]


class Rewind:
    """What is within reach of some roots, as it is now.

    Args:
        roots: where to begin; of what several lead to, the first has it.
        numbers: of tensors and arrays.
        own: names of the user's modules, whose functions and classes are looked into.
    """

    def __init__(self, roots: Iterable[Root], numbers: Values, own: Iterable[str] = ()) -> None:
        self._numbers = numbers
        self._own = set(own)
        self._seen: dict[int, object] = {}
        self._looks: list[tuple[Root, Callable[[], Iterator[_Found]]]] = []
        for root in roots:
            self._root = root
            self._walk(root.thing)

    def back(self, *, keep_own: bool = False) -> list[Change]:
        """Put everything back, and tell what was otherwise.

        Args:
            keep_own: leave what belongs to the user's modules as it is.
        """
        changes = []
        for root, look in self._looks:
            for way, what, now, put in look():
                change = Change(root, _steps(way), what, now)
                if put is None:
                    change = replace(change, what=STUCK)
                elif not (keep_own and root.own) or what == "gradient":
                    try:
                        put()
                    except _FAULTS:
                        change = replace(change, what=STUCK)
                if change.what not in _SILENT:
                    changes.append(change)
        return changes

    def _walk(self, thing: object) -> None:
        left: deque[tuple[_Way, object]] = deque([(None, thing)])
        while left and len(self._seen) < MOST:
            way, found = left.popleft()
            if id(found) not in self._seen:
                self._seen[id(found)] = found
                left.extend(
                    (to, one) for to, one in self._note(way, found) if not isinstance(one, _ATOMS)
                )

    def _note(self, way: _Way, found: Any) -> _Next:
        """Note what one object holds; what it leads to."""
        if isinstance(found, Tensor):
            return self._tensor(way, found)
        if isinstance(found, numpy.ndarray):
            self._numbers_of(way, found)
            return []
        if isinstance(found, dict):
            return self._mapping(way, found, ITEM)
        if isinstance(found, list | deque | set | bytearray):
            return self._sequence(way, found)
        if isinstance(found, CellType):
            return self._cell(way, found)
        if isinstance(found, ModuleType):
            return self._mapping(way, Globals(found), ATTRIBUTE)
        if isinstance(found, type):
            return (
                self._mapping(way, ClassAttributes(found), ATTRIBUTE) if self._is_own(found) else []
            )
        if isinstance(found, FunctionType):
            return self._function(way, found) if self._is_own(found) else []
        if isinstance(found, _HOLDERS) or any(map(self._is_own, type(found).__mro__)):
            return self._instance(way, found)
        self._state(way, found)
        return [((way, INSIDE, ""), part) for part in _parts(found)]

    def _is_own(self, found: object) -> bool:
        return getattr(found, "__module__", None) in self._own

    def _numbers_of(self, way: _Way, found: Tensor | Array) -> None:
        if not self._root.numbers or not values.readable(found):
            return
        numbers = self._numbers
        numbers.note(found)

        def look() -> Iterator[_Found]:
            if numbers.changed(found):
                what = "gradient" if way is not None and way[1] == GRADIENT else "value"
                yield way, what, None, lambda: numbers.put_back(found)
                if numbers.changed(found):  # it is left as it is: what it holds now counts
                    numbers.forget(found)

        self._looks.append((self._root, look))

    def _tensor(self, way: _Way, tensor: Tensor) -> _Next:
        self._numbers_of(way, tensor)
        leaf = tensor.is_leaf and not tensor.is_inference()
        flag, hooks = tensor.requires_grad, _hooks_of(tensor)
        keeps = leaf and self._root.own
        gradient = tensor.grad if keeps else None

        def look() -> Iterator[_Found]:
            if leaf and tensor.is_leaf and tensor.requires_grad != flag:
                put = functools.partial(tensor.requires_grad_, flag)
                yield way, "flag", tensor.requires_grad, put
            if keeps and tensor.grad is not gradient:
                yield way, "gradient", None, lambda: setattr(tensor, "grad", gradient)
            for name, now in _hooks_of(tensor).items():
                for key in [key for key in now if key not in hooks.get(name, {})]:
                    held = getattr(tensor, name)
                    yield way, "hook", None, functools.partial(held.__delitem__, key)

        self._looks.append((self._root, look))
        return [] if gradient is None else [((way, GRADIENT, ""), gradient)]

    def _mapping(self, way: _Way, found: MutableMapping[Any, Any], step: str) -> _Next:
        held = {key: found[key] for key in list(found) if not _internal(key)}

        def reorder() -> None:
            if isinstance(found, dict) and list(found) != list(held) and len(found) == len(held):
                found.clear()
                found.update(held)

        def look() -> Iterator[_Found]:
            new = [key for key in list(found) if key not in held and not _internal(key)]
            for key in new:
                put = functools.partial(found.__delitem__, key)
                yield (way, step, _name(key)), "new", found[key], put
            for key, was in held.items():
                now = found.get(key, _MISSING)
                if now is not was and not _equal(was, now):
                    what = "same" if _alike(was, now) else "attribute"
                    put = functools.partial(found.__setitem__, key, was)
                    yield (way, step, _name(key)), what, now, put
                    if now is _MISSING:
                        yield way, "same", None, reorder

        self._looks.append((self._root, look))
        return [((way, step, _name(key)), value) for key, value in held.items()]

    def _sequence(self, way: _Way, found: Any) -> _Next:
        held = found.copy()

        def put() -> None:
            found.clear()
            found.update(held) if isinstance(found, set) else found.extend(held)

        def look() -> Iterator[_Found]:
            if isinstance(found, set | bytearray):
                unchanged = found == held
            else:
                unchanged = len(found) == len(held) and (
                    all(map(operator.is_, held, found)) or all(map(_equal, held, found))
                )
            if not unchanged:
                yield way, "same" if _alike(held, found) else "attribute", found, put

        self._looks.append((self._root, look))
        to = (way, ITEM, "")
        return [] if isinstance(found, bytearray) else [(to, item) for item in held]

    def _function(self, way: _Way, found: FunctionType) -> _Next:
        parts = (found.__defaults__, found.__kwdefaults__, found.__closure__, *_parts(found))
        kept = [((way, INSIDE, ""), part) for part in parts if part]
        return [*self._mapping(way, found.__dict__, ATTRIBUTE), *kept]

    def _instance(self, way: _Way, found: Any) -> _Next:
        cls = type(found)

        def look() -> Iterator[_Found]:
            if type(found) is not cls:  # torch's parametrisations give a module another one
                yield way, "class", type(found), lambda: setattr(found, "__class__", cls)

        self._looks.append((self._root, look))
        more = self._mapping(way, Slots(found), ATTRIBUTE) if slots_of(cls) else []
        return [*self._mapping(way, getattr(found, "__dict__", {}), ATTRIBUTE), *more]

    def _state(self, way: _Way, found: Any) -> None:
        state = hidden.state_of(found)
        if state is None:
            return
        get, write, held = state.get, state.put, state.get()

        def put() -> None:
            assert write is not None
            write(held)
            if get() != held:
                raise ValueError("it is not what it was")  # an iterator that has come to its end

        def look() -> Iterator[_Found]:
            if get() != held:
                yield way, "state", None, None if write is None else put

        self._looks.append((self._root, look))

    def _cell(self, way: _Way, cell: CellType) -> _Next:
        try:
            held = cell.cell_contents
        except ValueError:  # it is empty as yet
            return []

        def look() -> Iterator[_Found]:
            if not _equal(held, cell.cell_contents):
                put = functools.partial(setattr, cell, "cell_contents", held)
                yield way, "attribute", cell.cell_contents, put

        self._looks.append((self._root, look))
        return [(way, held)]


def _parts(found: Any) -> list[object]:
    """What an object that is no container of its own leads to."""
    if isinstance(found, tuple | frozenset):
        return list(found)
    if isinstance(found, functools.partial):
        return [found.func, found.args, found.keywords]
    if isinstance(found, MethodType):
        return [found.__self__, found.__func__]
    if isinstance(found, staticmethod | classmethod):
        return [found.__func__]
    if isinstance(found, property):
        return [found.fget, found.fset]
    wrapped = getattr(found, "__wrapped__", None) if callable(found) else None
    return [] if wrapped is None else [wrapped]


def _steps(way: _Way) -> tuple[tuple[str, str], ...]:
    steps = []
    while way is not None:
        way, step, name = way
        steps.append((step, name))
    return tuple(reversed(steps))


def _name(key: object) -> str:
    return str(key) if isinstance(key, str | int) else type(key).__name__


def _internal(key: object) -> bool:
    return isinstance(key, str) and key.startswith("__") and key.endswith("__")


def _equal(was: object, now: object) -> bool:
    if was is now:
        return True
    return type(was) is type(now) and isinstance(was, _PLAIN) and bool(was == now)


def _alike(was: Any, now: Any) -> bool:
    """Whether one thing in the place of another comes to the same."""
    if _equal(was, now) or values.same(was, now):
        return True
    if type(was) is not type(now) or not isinstance(was, list | tuple | dict):
        return False
    if len(was) != len(now):
        return False
    if isinstance(was, dict):
        return all(key in now and _alike(value, now[key]) for key, value in was.items())
    return all(map(_alike, was, now))


def _hooks_of(tensor: Tensor) -> dict[str, dict[Any, Any]]:
    names = ("_backward_hooks", "_post_accumulate_grad_hooks")
    found = {name: getattr(tensor, name, None) for name in names}
    return {name: dict(hooks) for name, hooks in found.items() if hooks}
