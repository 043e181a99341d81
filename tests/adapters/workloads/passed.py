"""A workload, called as released and with the networks that it passes through frozen."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from adapters.workloads.base import Program
from adapters.workloads.state import Snapshot
from semibackward import semi_backward

GIVEN = {"device": "cpu", "dtype": "float32", "batch": 2, "seed": 0}
"""What a `setup` may be given, small."""


class Passing:
    """A workload that starts from the same state whenever it is called.

    Args:
        program: the workload.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._start = Snapshot([*program.foreign, *program.state])

    def called(self, *, frozen: bool) -> tuple[list[Tensor], int]:
        """What a call returns and leaves behind, and how many of its networks' parameters had a
        gradient computed."""
        program = self.program
        self._start.put_back()
        torch.manual_seed(0)
        parameters = [each for one in program.foreign for each in one.parameters()]
        call = program.frozen_call if frozen and program.frozen_call else program.call
        block = semi_backward(*program.foreign) if frozen else contextlib.nullcontext()
        with counting(parameters) as computed, block:
            found = list(tensors(call()))
        left = [
            value.clone()
            for one in (*program.foreign, *program.state)
            if isinstance(one, nn.Module)
            for value in one.state_dict().values()
        ]
        return found + left, len(set(computed))


@contextlib.contextmanager
def counting(parameters: Sequence[Tensor]) -> Iterator[list[int]]:
    """Numbers of the parameters whose gradient is computed, as often as it is."""
    computed: list[int] = []

    def hook(number: int) -> Callable[[Tensor], None]:
        return lambda _: computed.append(number)

    hooks = [
        each.register_hook(hook(number))
        for number, each in enumerate(parameters)
        if each.requires_grad
    ]
    try:
        yield computed
    finally:
        for each in hooks:
            each.remove()


def tensors(found: Any) -> Iterator[Tensor]:
    """Every tensor of what a call returned."""
    if isinstance(found, Tensor):
        yield found
    else:
        for each in found.values() if isinstance(found, dict) else found:
            yield from tensors(each)


@contextlib.contextmanager
def by_backward(parameters: Sequence[Tensor]) -> Iterator[list[int]]:
    """How many of the parameters have a gradient computed in each `Tensor.backward()` in turn."""
    told: list[int] = []
    backward: Callable[..., None] = Tensor.backward

    def watched(self: Tensor, *args: Any, **kwargs: Any) -> None:
        with counting(parameters) as computed:
            backward(self, *args, **kwargs)
        told.append(len(set(computed)))

    Tensor.backward = watched  # type: ignore[method-assign]
    try:
        yield told
    finally:
        Tensor.backward = backward  # type: ignore[method-assign]


def frozen_for_good(network: nn.Module) -> AbstractContextManager[None]:
    """Frozen by the user's own line, and not by ours."""

    @contextlib.contextmanager
    def block() -> Iterator[None]:
        before = [(each, each.requires_grad) for each in network.parameters()]
        network.requires_grad_(False)
        try:
            yield
        finally:
            for each, flag in before:
                each.requires_grad_(flag)

    return block()
