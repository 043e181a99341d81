"""A model tried and left as it was: what passes change is put back, between them and after."""

from __future__ import annotations

import contextlib
import random
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

_CONTAINERS: tuple[type, ...] = (list, dict, OrderedDict, set, deque)


@contextlib.contextmanager
def restored(model: nn.Module) -> Iterator[Callable[[], None]]:
    """Give what a pass changes its old value back; yields what does so in between.

    Gradients (None in between), buffers, modes, attributes of modules and the lists, dictionaries
    and sets they are, and the random states of Python, numpy, torch and CUDA. Hooks on parameters
    rest meanwhile. What lies deeper, in objects of a module's own, is not seen.
    """
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    undo = [*_attributes(model), *_buffers(model), *_random_states()]

    def begin_again() -> None:
        for parameter, _ in gradients:
            parameter.grad = None
        for step in undo:
            step()

    with _hooks_at_rest(model):
        try:
            yield begin_again
        finally:
            begin_again()
            for parameter, gradient in gradients:
                parameter.grad = gradient


def _attributes(model: nn.Module) -> Iterator[Callable[[], None]]:
    for module in model.modules():
        found = vars(module)
        for held in (found, *(v for v in found.values() if type(v) in _CONTAINERS)):
            yield _refilled(held)


def _refilled(held: Any) -> Callable[[], None]:
    """What puts the very things back into a container that it holds now."""
    pairs = isinstance(held, dict)
    before = list(held.items() if pairs else held)

    def is_as_before() -> bool:
        if len(held) != len(before):
            return False
        if pairs:
            now = zip(held.items(), before, strict=True)
            return all(k is key and v is value for (k, v), (key, value) in now)
        return all(one is other for one, other in zip(held, before, strict=True))

    def refill() -> None:
        if is_as_before():
            return
        held.clear()
        if pairs or isinstance(held, set):
            held.update(before)
        else:
            held.extend(before)

    return refill


def _buffers(model: nn.Module) -> Iterator[Callable[[], None]]:
    for module in model.modules():
        for name, buffer in module._buffers.items():
            if buffer is not None:
                yield _refreshed(module._buffers, name, buffer)


def _refreshed(place: Any, name: str, buffer: torch.Tensor) -> Callable[[], None]:
    value = buffer.detach().clone()

    def refresh() -> None:
        with torch.no_grad():
            buffer.detach().copy_(value)
        place[name] = buffer

    return refresh


def _random_states() -> Iterator[Callable[[], None]]:
    pythons, torchs = random.getstate(), torch.get_rng_state()
    yield lambda: random.setstate(pythons)
    yield lambda: torch.set_rng_state(torchs)
    if torch.cuda.is_available():
        gpus = torch.cuda.get_rng_state_all()
        yield lambda: torch.cuda.set_rng_state_all(gpus)
    numpy: Any = sys.modules.get("numpy")  # who draws from it has imported it
    if numpy is not None:
        numpys = numpy.random.get_state()
        yield lambda: numpy.random.set_state(numpys)


@contextlib.contextmanager
def _hooks_at_rest(model: nn.Module) -> Iterator[None]:
    """They may step an optimizer or talk to other processes, and say nothing of what is tried."""
    kept = [
        (hooks, dict(hooks))
        for parameter in model.parameters()
        for name in ("_backward_hooks", "_post_accumulate_grad_hooks")
        if (hooks := getattr(parameter, name, None))
    ]
    for hooks, _ in kept:
        hooks.clear()
    try:
        yield
    finally:
        for hooks, found in kept:
            hooks.update(found)
