"""The state of what is no container: random generators, iterators, caches."""

from __future__ import annotations

import functools
import inspect
import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import GeneratorType
from typing import Any

import numpy
import torch

_SHOWN = (int, float, complex, str, bytes, bool, type(None))


@dataclass(frozen=True)
class State:
    """How to get at something's state.

    Attributes:
        get: what it is now, as something that can be compared.
        put: makes it what `get` returned; None: nobody can.
    """

    get: Callable[[], Any]
    put: Callable[[Any], object] | None = None


def state_of(found: Any) -> State | None:
    """How to get at the state of one; None of what has none that is known."""
    if isinstance(found, random.Random):
        unseen = isinstance(found, random.SystemRandom)
        return None if unseen else State(found.getstate, found.setstate)
    if isinstance(found, torch.Generator):
        return State(lambda: found.get_state().numpy().tobytes(), functools.partial(_seed, found))
    if isinstance(found, numpy.random.Generator):
        return _of_bits(found.bit_generator)
    if isinstance(found, numpy.random.RandomState):
        held = found.get_state(legacy=False)
        return State(
            lambda: _plainly(found.get_state(legacy=False)), lambda _: found.set_state(held)
        )
    if isinstance(found, numpy.random.BitGenerator):
        return _of_bits(found)
    if isinstance(found, numpy.random.SeedSequence):
        return State(lambda: found.n_children_spawned)
    if isinstance(found, functools._lru_cache_wrapper):
        return State(lambda: found.cache_info().currsize)
    if isinstance(found, GeneratorType):
        return State(lambda: _of_generator(found))
    if isinstance(found, Iterator) and not inspect.isclass(found):
        return _of_iterator(found)
    return None


def _of_bits(bits: Any) -> State:
    held = bits.state

    def put(_: object) -> None:
        bits.state = held

    return State(lambda: _plainly(bits.state), put)


def _plainly(state: Any) -> Any:
    """What numpy tells of a generator, in values that `==` compares."""
    if isinstance(state, dict):
        return {name: _plainly(value) for name, value in state.items()}
    return state.tolist() if isinstance(state, numpy.ndarray) else state


def _seed(generator: torch.Generator, state: bytes) -> None:
    generator.set_state(torch.tensor(list(state), dtype=torch.uint8, device="cpu"))


def _of_generator(found: GeneratorType[Any, Any, Any]) -> Any:
    frame = found.gi_frame
    if frame is None:
        return None
    values = {name: v for name, v in frame.f_locals.items() if isinstance(v, _SHOWN)}
    return frame.f_lasti, values


def _of_iterator(found: Any) -> State | None:
    """By how it would be pickled, which most of Python's own can; that moves none of them."""
    if type(found).__module__ not in ("builtins", "itertools", "collections"):
        return None
    try:
        _reduced(found)
    except TypeError:
        return None
    _, _, *at = _parts(found)
    if at and hasattr(found, "__setstate__"):
        return State(lambda: _reduced(found), lambda _: found.__setstate__(*at))
    return State(lambda: _reduced(found))


def _parts(found: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of itertools', since Python 3.12
        return found.__reduce__()


def _reduced(found: Any) -> Any:
    """The numbers by which its place is told, of it and of the iterators in it."""
    _, arguments, *state = _parts(found)
    return [
        _reduced(one) if isinstance(one, Iterator) else one
        for one in (*arguments, *state)
        if isinstance(one, (*_SHOWN, Iterator))
    ]
