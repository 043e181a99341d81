"""What a run changes in objects that outlive it, found out and put back: all of it untimed.

Before a run every mutable object within reach is noted with what it holds: modules, instances of
the user's classes, functions, lists, dicts, tensors, random generators. After it each one holds
that again. Only what a tensor held is copied, and that once.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import functools
import itertools
import pickle
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from types import CellType, FunctionType, GeneratorType, ModuleType, SimpleNamespace
from typing import Any

import numpy
import torch
from torch import Tensor, nn

from bench.worker import equality

CHUNK = 2**22
"""Elements of a tensor that are looked at in one go on a GPU, to need little memory."""
_MISSING = object()
_PLAIN = (int, float, complex, str, bytes, bool, type(None), torch.dtype, torch.device, torch.Size)
_ATOMS = (*_PLAIN, range, slice, ModuleType)


@dataclass(frozen=True)
class Change:
    """Something that a run left otherwise than it found it.

    Attributes:
        where: the way to it, from what was looked at.
        what: "value" of a tensor, "flag" of it, "hook" on it, "attribute", "new" for one that was
            not there, "class", or "state" of what can't be put back.
        was, now: what it held, where that is plain.
    """

    where: tuple[str, ...]
    what: str
    was: object = None
    now: object = None


class Values:
    """What tensors and arrays hold, copied once; a GPU's copies lie in the machine's own memory."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Any, Any]] = {}

    def note(self, tensor: Tensor) -> None:
        """Keep what it holds, if it is new."""
        if id(tensor) not in self._known:
            alias = tensor.detach()
            self._known[id(tensor)] = (tensor, alias, _copied(alias))

    def changed(self, tensor: Tensor) -> bool:
        """Whether it does not hold that any more."""
        _, alias, (copy, digest) = self._known[id(tensor)]
        return _place(tensor) != _place(alias) or not _same(alias, copy, digest)

    def put_back(self, tensor: Tensor) -> None:
        """Let it hold that again, in the memory it had."""
        _, alias, (copy, _) = self._known[id(tensor)]
        if _place(tensor) != _place(alias):
            tensor.data = alias
        with torch.no_grad():
            alias.copy_(copy)


def _place(tensor: Tensor) -> tuple[object, ...]:
    return tensor.data_ptr(), tensor.shape, tensor.dtype, tensor.device, tensor.stride()


def _copied(tensor: Tensor) -> tuple[Tensor, int | None]:
    copy = tensor.to("cpu", copy=True)
    return copy, None if tensor.device.type == "cpu" else _digest(tensor)


def _same(tensor: Tensor, copy: Tensor, digest: int | None) -> bool:
    if digest is not None:
        return _digest(tensor) == digest
    return bool(torch.equal(_bits(tensor), _bits(copy)))


def _bits(tensor: Tensor) -> Tensor:
    return equality.bits(torch.view_as_real(tensor) if tensor.is_complex() else tensor)


def _digest(tensor: Tensor) -> int:
    """Of its bits and their places; found on its device."""
    found = 0
    for number, part in enumerate(tensor.contiguous().flatten().split(CHUNK)):
        bits = _bits(part).flatten().to(torch.int64)
        places = torch.arange(1, len(bits) + 1, device=bits.device)
        found ^= hash((number, int((bits * (2 * places + 1)).sum()), int(bits.sum())))
    return found


class Rewind:
    """What is within reach of some roots, as it is now.

    Args:
        roots: by the name that changes in them are told by.
        values: of tensors; None to leave those alone.
        own: the user's modules, whose functions and classes are looked into.
        beside: another one, and what that has noted is left to it.
    """

    def __init__(
        self,
        roots: Mapping[str, object],
        values: Values | None,
        own: Iterable[ModuleType] = (),
        beside: Rewind | None = None,
    ) -> None:
        self._values = values
        self._own = {module.__name__ for module in own}
        self._seen: dict[int, object] = {} if beside is None else dict(beside._seen)
        self._grads = beside is not None
        self._undo: list[Callable[[], Iterator[Change]]] = []
        self._put = True
        left = [((name,), root) for name, root in roots.items()]
        while left:
            where, found = left.pop()
            if isinstance(found, _ATOMS) and len(where) > 1:
                continue
            if id(found) in self._seen:
                continue
            self._seen[id(found)] = found
            left.extend(self._note(where, found))

    def back(self, *, put: bool = True) -> list[Change]:
        """Put everything back; what was otherwise. Only that where nothing is to be put."""
        self._put = put
        return [change for undo in self._undo for change in undo()]

    def _note(self, where: tuple[str, ...], found: Any) -> list[tuple[tuple[str, ...], object]]:
        """Note what one object holds; what it leads to."""
        if isinstance(found, Tensor):
            return self._tensor(where, found)
        if isinstance(found, numpy.ndarray):
            held = found.copy()
            self._undo.append(lambda: self._array(where, found, held))
            return []
        if isinstance(found, (dict, collections.OrderedDict)):
            return self._mapping(where, found)
        if isinstance(found, (list, collections.deque, set, bytearray)):
            return self._sequence(where, found)
        if isinstance(found, (tuple, frozenset)):
            return [(where, item) for item in found]
        if isinstance(found, functools.partial):
            return [(where, item) for item in (found.func, found.args, found.keywords)]
        if (state := _state_of(found)) is not None:
            get, put = state
            held = get()
            self._undo.append(lambda: self._state(where, held, get, put))
            return []
        if isinstance(found, CellType):
            return self._cell(where, found)
        if isinstance(found, FunctionType):
            return self._function(where, found)
        if isinstance(found, type):
            if found.__module__ not in self._own:
                return []
            view = _ClassView(found)
            return self._mapping(where, view)
        if isinstance(found, ModuleType):
            return self._mapping(where, vars(found))
        if isinstance(found, nn.Module | torch.optim.Optimizer) or self._users(found):
            self._undo.append(lambda cls=type(found): self._class(where, found, cls))
            return self._mapping(where, getattr(found, "__dict__", {}))
        return []

    def _class(self, where: tuple[str, ...], found: Any, cls: type) -> Iterator[Change]:
        """torch's parametrisations give a module another one."""
        if type(found) is not cls:
            yield Change(where, "class")
            if self._put:
                found.__class__ = cls

    def _users(self, found: object) -> bool:
        return any(base.__module__ in self._own for base in type(found).__mro__) or isinstance(
            found, _HOLDERS
        )

    def _tensor(self, where: tuple[str, ...], tensor: Tensor) -> list[Any]:
        if type(tensor) not in (Tensor, nn.Parameter) or tensor.layout != torch.strided:
            return []
        if tensor.is_inference() or tensor.is_quantized or tensor.device.type == "meta":
            return []
        if self._values is not None:
            self._values.note(tensor)
        flag, hooks = tensor.requires_grad, _hooks_of(tensor)
        gradient = tensor.grad if self._grads and tensor.is_leaf else None

        def undo() -> Iterator[Change]:
            if self._values is not None and self._values.changed(tensor):
                yield Change(where, "value")
                if self._put:
                    self._values.put_back(tensor)
            if tensor.is_leaf and tensor.requires_grad != flag:
                yield Change(where, "flag", flag, tensor.requires_grad)
                if self._put:
                    tensor.requires_grad_(flag)
            if self._grads and self._put and tensor.is_leaf:
                tensor.grad = gradient
            for name, now in _hooks_of(tensor).items():
                for key in [key for key in now if key not in hooks.get(name, {})]:
                    yield Change(where, "hook")
                    if self._put:
                        del getattr(tensor, name)[key]

        self._undo.append(undo)
        return [] if gradient is None else [(where, gradient)]

    def _mapping(self, where: tuple[str, ...], found: MutableMapping[Any, Any]) -> list[Any]:
        held = {key: found[key] for key in list(found) if not _internal(key)}

        def undo() -> Iterator[Change]:
            for key in [key for key in list(found) if key not in held and not _internal(key)]:
                yield Change((*where, str(key)), "new", None, found[key])
                if self._put:
                    del found[key]
            for key, was in held.items():
                now = found.get(key, _MISSING)
                if not _unchanged(was, now):
                    yield Change((*where, str(key)), "attribute", was, now)
                    if self._put:
                        found[key] = was

        self._undo.append(undo)
        return [((*where, str(key)), value) for key, value in held.items()]

    def _sequence(self, where: tuple[str, ...], found: Any) -> list[Any]:
        held = found.copy()

        def undo() -> Iterator[Change]:
            if isinstance(found, (set, bytearray)):
                same = found == held
            else:
                same = len(found) == len(held) and all(map(_unchanged, held, found))
            if same:
                return
            yield Change(where, "attribute")
            if self._put:
                found.clear()
                found.update(held) if isinstance(found, set) else found.extend(held)

        self._undo.append(undo)
        return [] if isinstance(found, bytearray) else [(where, item) for item in held]

    def _cell(self, where: tuple[str, ...], cell: CellType) -> list[Any]:
        try:
            held = cell.cell_contents
        except ValueError:  # it is empty as yet
            return []

        def undo() -> Iterator[Change]:
            if not _unchanged(held, cell.cell_contents):
                yield Change(where, "attribute", held, cell.cell_contents)
                if self._put:
                    cell.cell_contents = held

        self._undo.append(undo)
        return [(where, held)]

    def _function(self, where: tuple[str, ...], found: FunctionType) -> list[Any]:
        if found.__module__ not in self._own:
            return []
        parts = (found.__dict__, found.__defaults__, found.__kwdefaults__, found.__closure__)
        return [(where, part) for part in parts if part]


    def _array(self, where: tuple[str, ...], array: Any, held: Any) -> Iterator[Change]:
        if array.shape == held.shape and array.tobytes() == held.tobytes():
            return
        possible = array.shape == held.shape and array.flags.writeable
        yield Change(where, "value" if possible else "state")
        if self._put and possible:
            array[...] = held

    def _state(
        self,
        where: tuple[str, ...],
        held: Any,
        get: Callable[[], Any],
        put: Callable[[Any], Any] | None,
    ) -> Iterator[Change]:
        if pickle.dumps(get()) == pickle.dumps(held):
            return
        yield Change(where, "value" if put else "state")
        if self._put and put is not None:
            put(held)


class _ClassView(MutableMapping[str, Any]):
    """What a class holds, as a mapping that can be written to."""

    def __init__(self, cls: type) -> None:
        self._cls = cls

    def __getitem__(self, key: str) -> Any:
        return vars(self._cls)[key]

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self._cls, key, value)

    def __delitem__(self, key: str) -> None:
        delattr(self._cls, key)

    def __iter__(self) -> Iterator[str]:
        return iter(vars(self._cls))

    def __len__(self) -> int:
        return len(vars(self._cls))


_HOLDERS = (SimpleNamespace, argparse.Namespace)
"""Classes of Python's own that hold what they are given."""


def _internal(key: object) -> bool:
    return isinstance(key, str) and key.startswith("__") and key.endswith("__")


def _unchanged(was: object, now: object) -> bool:
    if was is now:
        return True
    return type(was) is type(now) and isinstance(was, _PLAIN) and bool(was == now)


def _hooks_of(tensor: Tensor) -> dict[str, dict[Any, Any]]:
    names = ("_backward_hooks", "_post_accumulate_grad_hooks")
    found = {name: getattr(tensor, name, None) for name in names}
    return {name: dict(hooks) for name, hooks in found.items() if hooks}


def _state_of(found: Any) -> tuple[Callable[[], Any], Callable[[Any], Any] | None] | None:
    """How to read and to write the state of what is no container; None to write: nobody can."""
    if isinstance(found, numpy.random.Generator):
        bits = found.bit_generator
        return lambda: bits.state, lambda state: setattr(bits, "state", state)
    if isinstance(found, numpy.random.RandomState):
        return lambda: found.get_state(legacy=False), found.set_state
    if isinstance(found, random.Random):
        return found.getstate, found.setstate
    if isinstance(found, torch.Generator):
        return lambda: found.get_state().numpy().tobytes(), functools.partial(_seed_as, found)
    if isinstance(found, (itertools.count, itertools.cycle, itertools.repeat)):
        return lambda: repr(found), None
    if isinstance(found, GeneratorType):
        return lambda: found.gi_frame and found.gi_frame.f_lasti, None
    if hasattr(found, "cache_info") and hasattr(found, "cache_clear"):
        return lambda: found.cache_info().currsize, None
    return None


def _seed_as(generator: torch.Generator, state: bytes) -> None:
    generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
