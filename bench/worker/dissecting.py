"""Dissect a case in instrumented runs: time at two seams, operations, gradients by operation.

The seams are the model's call and autograd's engine, each with the device synchronised; so these
runs are slower than the timed ones on a GPU, and only their proportions are used.
"""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from bench.cases import SEMI_BACKWARD
from bench.statistics.anatomy import Anatomy, CompiledBackward, Part
from bench.worker import compiled, gradients, layers, passes
from bench.worker.calls import Call, intercepted
from bench.worker.flops import FlopCount
from bench.worker.gradients import GradientTrace
from bench.worker.memory import Unseen
from bench.worker.passes import Passes
from bench.worker.workload import Workload

T = TypeVar("T")

BUDGET = 4.0
"""Seconds the timed instrumented runs may take, about."""
FEWEST, MOST = 3, 15


@dataclass
class Clock:
    """What one run spent where, in seconds."""

    whole: float = 0.0
    forward: float = 0.0
    backward: float = 0.0

    @property
    def rest(self) -> float:
        """Outside both; below zero where they ran at the same time, in several threads."""
        return self.whole - self.forward - self.backward


class Look(Protocol):
    """What looks at something of a name, and warns where that fails; None then."""

    def __call__(self, what: str, look: Callable[[], T], /) -> T | None: ...


def dissect(
    workload: Workload, trace: GradientTrace | None, counts: Mapping[str, FlopCount], look: Look
) -> Anatomy:
    """Run a case instrumented; none of this is used as a measurement of speed.

    Args:
        workload: what to dissect.
        trace: the gradient calls of a run of the baseline; None where they could not be seen.
        counts: the operations of a run of each variant; of one that could not be counted, none.
        look: so that what fails costs its own result alone.
    """
    made = look("the passes", lambda: passes.of(workload, workload.variants[0]))
    in_parts = made is not None and made.in_parts
    clocks = look("the time's parts", lambda: _clocks(workload, in_parts)) or {}
    fits = workload.compiles and SEMI_BACKWARD in workload.variants
    differentiates = trace is not None and bool(trace.calls)
    saved = look("what layers save", lambda: _saved(workload)) if fits and differentiates else None
    backwards, reason = None, None
    if fits and differentiates:
        backwards, reason = look("compiling", lambda: _compiled(workload)) or (None, None)
    return Anatomy(
        runs=len(clocks.get(workload.variants[0], ())),
        calls=None if trace is None else dict(trace.calls),
        computing=None if trace is None else trace.computing,
        forwards=None if made is None else _forwards(workload, made),
        backwards=None if made is None else _backwards(workload, made),
        parameters=None if trace is None else trace.by_operation,
        own_functions=None if trace is None else sorted(trace.own_functions),
        parts={
            name: _part(clocks.get(name), counts.get(name, FlopCount()))
            for name in workload.variants
        },
        saved=saved,
        compiled=backwards,
        uncompiled=reason,
    )


def _forwards(workload: Workload, made: Passes) -> float:
    """Forward passes of a batch; of workloads that count calls, these."""
    if workload.several:
        return made.forward_calls
    return made.forward_images / workload.comparison.case.passing


def _backwards(workload: Workload, made: Passes) -> float:
    if workload.several:
        return made.backward_calls
    return made.backward_images / workload.comparison.case.passing


def _saved(workload: Workload) -> dict[str, dict[str, int]] | None:
    """Of a run of each variant, what a call of the model saves, by layer; None where nobody can
    see, of which the account of all that autograd keeps has warned."""
    try:
        return {
            name: workload.probe(name, lambda run: layers.saved(run, workload.model))
            for name in workload.variants
        }
    except Unseen:
        return None


def _compiled(workload: Workload) -> tuple[dict[str, CompiledBackward] | None, str | None]:
    """Of a run of each variant, what it does compiled; or else why it is not."""
    try:
        found = {name: compiled.looked_at(workload, name) for name in workload.variants}
    except Unseen as error:
        return None, str(error)
    return found, None


def _clocks(workload: Workload, in_parts: bool) -> dict[str, list[Clock]]:
    """Of instrumented runs, in which the variants take turns."""
    baseline, variant = workload.variants
    first = _clocked(workload, baseline, in_parts)
    runs = max(FEWEST, min(MOST, int(BUDGET / 2 / max(first.whole, 1e-6))))
    clocks: dict[str, list[Clock]] = {baseline: [], variant: []}
    for turn in range(runs):
        for name in (baseline, variant) if turn % 2 == 0 else (variant, baseline):
            clocks[name].append(_clocked(workload, name, in_parts))
    return clocks


def _part(clocks: list[Clock] | None, count: FlopCount) -> Part:
    seconds = forward = backward = None
    if clocks:
        forward = statistics.median(clock.forward for clock in clocks)
        backward = statistics.median(clock.backward for clock in clocks)
        # The whole's own median may be less than those two.
        seconds = forward + backward + statistics.median(clock.rest for clock in clocks)
    return Part(seconds, forward, backward, count.forward, count.backward, count.masks)


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

    What the engine takes inside a call of the model, as of one that differentiates in its forward
    pass, is the engine's alone.

    Args:
        model: whose calls.
        clock: to add to.
        synchronise: waits for the device.
        in_parts: whether to look for calls of the model's parts too, which takes a little time.
    """

    thread = threading.local()

    def timed(run: Callable[[], Any], what: str) -> Any:
        before, thread.inner = getattr(thread, "inner", 0.0), 0.0
        synchronise()
        start = time.perf_counter()
        try:
            return run()
        finally:
            synchronise()
            taken = time.perf_counter() - start
            setattr(clock, what, getattr(clock, what) + taken - thread.inner)
            thread.inner = before + taken

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
