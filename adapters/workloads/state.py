"""What a call of a workload changes, as it was, and put back: in place, so that no tensor moves."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

PutBack = Callable[[], object]


def can_be_put_back(found: object) -> bool:
    """Whether a thing is of a sort that can be."""
    if isinstance(found, nn.Module | Optimizer | Tensor | torch.Generator | numpy.ndarray):
        return True
    return callable(getattr(found, "state_dict", None)) and callable(
        getattr(found, "load_state_dict", None)
    )


class Snapshot:
    """Some things as they are now.

    Args:
        things: each of a sort that can be put back.
    """

    def __init__(self, things: Iterable[Any]) -> None:
        self._things = tuple(things)
        self._undo: list[PutBack] = []
        for thing in self._things:
            self._undo.extend(_noted(thing))

    def put_back(self) -> None:
        """Make all of them as they were, with no `.grad` left."""
        with torch.no_grad():
            for undo in self._undo:
                undo()
            for tensor in leaves(self._things):
                tensor.grad = None


def leaves(things: Iterable[Any]) -> Iterator[Tensor]:
    """The tensors among them that may have a `.grad`: parameters of modules and of optimizers, and
    leaves; some perhaps several times."""
    for thing in things:
        if isinstance(thing, nn.Module):
            yield from thing.parameters()
        elif isinstance(thing, Optimizer):
            for group in thing.param_groups:
                yield from group["params"]
        elif isinstance(thing, Tensor) and thing.is_leaf:
            yield thing


def _noted(thing: Any) -> Iterator[PutBack]:
    if isinstance(thing, nn.Module):
        for module in thing.modules():
            yield _of_module(module)
    elif isinstance(thing, Optimizer):
        yield _of_optimizer(thing)
    elif isinstance(thing, Tensor):
        yield _kept(thing)
    elif isinstance(thing, torch.Generator):
        seeded = thing.get_state()
        yield lambda: thing.set_state(seeded)
    elif isinstance(thing, numpy.ndarray):
        values = thing.copy()
        yield lambda: numpy.copyto(thing, values)
    else:
        told = copy.deepcopy(thing.state_dict())
        yield lambda: thing.load_state_dict(copy.deepcopy(told))


def _of_module(module: nn.Module) -> PutBack:
    """Its own tensors, whatever has been put in their places, and its mode."""
    training = module.training
    tables: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
    places = [(held, name, _kept(one)) for held in tables for name, one in held.items()]

    def put_back() -> None:
        module.training = training
        for held, name, again in places:
            held[name] = again()

    return put_back


def _of_optimizer(optimizer: Optimizer) -> PutBack:
    """Its groups with their parameters, and what it keeps of each."""
    kept = {
        parameter: {name: _kept(value) for name, value in found.items()}
        for parameter, found in optimizer.state.items()
    }
    groups = [
        {name: _all(value) if name == "params" else _kept(value) for name, value in group.items()}
        for group in optimizer.param_groups
    ]

    def put_back() -> None:
        optimizer.state.clear()
        for parameter, found in kept.items():
            optimizer.state[parameter] = {name: again() for name, again in found.items()}
        del optimizer.param_groups[len(groups) :]
        for group, before in zip(optimizer.param_groups, groups, strict=True):
            group.clear()
            group.update({name: again() for name, again in before.items()})

    return put_back


def _all(values: Iterable[Any]) -> Callable[[], list[Any]]:
    kept = list(map(_kept, values))
    return lambda: [again() for again in kept]


def _kept(value: Any) -> Callable[[], Any]:
    """What makes a value as it is now again, and returns it: a tensor in place, else a copy."""
    if not isinstance(value, Tensor):
        before = copy.deepcopy(value)
        return lambda: copy.deepcopy(before)
    numbers = value.detach().clone()

    def again() -> Tensor:
        value.detach().copy_(numbers)
        return value

    return again
