"""Dissect a case in instrumented runs: time at two seams, operations, gradients by operation.

The seams are the model's call and autograd's engine, each with the device synchronised; so these
runs are slower than the timed ones on a GPU, and only their proportions are used.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bench.statistics.anatomy import Anatomy, Part
from bench.worker import gradients, passes
from bench.worker.calls import Call, intercepted
from bench.worker.flops import FlopCount
from bench.worker.gradients import GradientTrace
from bench.worker.workload import Workload

BUDGET = 4.0
"""Seconds the timed instrumented runs may take, about."""
FEWEST, MOST = 3, 15


@dataclass
class Clock:
    """What one run spent where, in seconds."""

    whole: float = 0.0
    forward: float = 0.0
    backward: float = 0.0


def dissect(workload: Workload, trace: GradientTrace, counts: Mapping[str, FlopCount]) -> Anatomy:
    """Run a case instrumented; none of this is used as a measurement of speed.

    Args:
        workload: what to dissect.
        trace: the gradient calls of a run of the baseline.
        counts: the operations of a run of each variant.
    """
    baseline, variant = workload.variants
    made = passes.of(workload, baseline)
    first = _clocked(workload, baseline, made.in_parts)
    runs = max(FEWEST, min(MOST, int(BUDGET / 2 / max(first.whole, 1e-6))))
    clocks: dict[str, list[Clock]] = {baseline: [], variant: []}
    for turn in range(runs):
        for name in (baseline, variant) if turn % 2 == 0 else (variant, baseline):
            clocks[name].append(_clocked(workload, name, made.in_parts))
    passing = workload.comparison.case.passing
    return Anatomy(
        runs=runs,
        calls=dict(trace.calls),
        computing=trace.computing,
        forwards=made.forward_images / passing,
        backwards=made.backward_images / passing,
        parameters=trace.by_operation,
        own_functions=sorted(trace.own_functions),
        parts={name: _part(found, counts[name]) for name, found in clocks.items()},
    )


def _part(clocks: list[Clock], count: FlopCount) -> Part:
    return Part(
        seconds=statistics.median(clock.whole for clock in clocks),
        forward=statistics.median(clock.forward for clock in clocks),
        backward=statistics.median(clock.backward for clock in clocks),
        forward_flops=count.forward,
        backward_flops=count.backward,
        masks=count.masks,
    )


def _clocked(workload: Workload, variant: str, in_parts: bool) -> Clock:
    device = workload.comparison.case.device
    clock = Clock()

    def timed(run: Callable[[], Tensor]) -> Clock:
        with seams(workload.model, clock, lambda: _synchronise(device), in_parts=in_parts):
            _synchronise(device)
            start = time.perf_counter()
            run()
            _synchronise(device)
            clock.whole = time.perf_counter() - start
        return clock

    return workload.probe(variant, timed)


@contextlib.contextmanager
def seams(
    model: nn.Module,
    clock: Clock,
    synchronise: Callable[[], None] = lambda: None,
    *,
    in_parts: bool = False,
) -> Iterator[None]:
    """Add what happens at the model's outermost calls, and at the engine's, to the clock.

    Args:
        model: whose calls.
        clock: to add to.
        synchronise: waits for the device.
        in_parts: whether to look for calls of the model's parts too, which takes a little time.
    """

    def timed(run: Callable[[], Any], what: str) -> Any:
        synchronise()
        start = time.perf_counter()
        try:
            return run()
        finally:
            synchronise()
            setattr(clock, what, getattr(clock, what) + time.perf_counter() - start)

    def forward(_: Any, run: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if gradients.in_backward():  # a recomputation is part of the backward pass
            return run(*args, **kwargs)
        return timed(lambda: run(*args, **kwargs), "forward")

    parts = passes.parts_of(model) if in_parts else None
    with (
        intercepted(model, forward, parts=parts),
        gradients.engine_watched(lambda run: timed(run, "backward")),
    ):
        yield


def _synchronise(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device == "mps":
        torch.mps.synchronize()
