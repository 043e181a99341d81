"""In the worker: count exactly what one run of each variant does; nothing is timed.

Each instrument gets a run of its own, all from the same state, after a run of both variants that
fills what libraries fill once. The garbage collector is off meanwhile: what a reference cycle holds
is then held to the end of the run, and does not depend on when the collector happens to come by.
"""

from __future__ import annotations

import contextlib
import functools
import gc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from bench.statistics.counts import Counts
from bench.statistics.observed import Observed
from bench.variants import naming
from bench.worker import checks, flops, gradients, memory, passes, readers
from bench.worker.flops import FlopCount
from bench.worker.gradients import GradientTrace
from bench.worker.memory import Kept
from bench.worker.passes import Passes
from bench.worker.workload import Workload

T = TypeVar("T")

ITEM = "_local_scalar_dense"
"""What `Tensor.item` dispatches, and everything that needs one number in Python."""


@dataclass(frozen=True)
class Counted:
    """What was counted of a case.

    Attributes:
        counts: of each variant.
        parameters: how many the model has.
        unequal: why the variants' outputs differ, where they do.
        unsuited: why the trick is not for the attack, where they differ by that.
        observed: of a run of each variant, whose gradients it computes, and why.
        warnings: for the user.
    """

    counts: dict[str, Counts]
    parameters: int
    unequal: str | None
    unsuited: str | None
    observed: dict[str, Observed]
    warnings: list[str]


def count(workload: Workload) -> Counted:
    """Count both variants.

    Raises:
        InvalidOutput: the attack's output is none.
        ReadsParameterGradients: the attack does, and does not run without them.
    """
    passed = checks.gate(workload)
    warnings = list(passed.warnings)
    with _uncollected():
        traces: dict[str, GradientTrace] = {}
        counts = {name: _counts(workload, name, warnings, traces) for name in workload.variants}
    observed = {name: trace.observed for name, trace in traces.items()}
    warnings.extend(readers.doubts(observed, workload.comparison, passed.equality))
    return Counted(
        counts,
        parameters=len(list(workload.model.parameters())),
        unequal=passed.unequal,
        unsuited=passed.unsuited,
        observed=observed,
        warnings=list(dict.fromkeys([*warnings, *checks.left_behind(workload)])),
    )


def _counts(
    workload: Workload, variant: str, warnings: list[str], traces: dict[str, GradientTrace]
) -> Counts:
    def tried(what: str, look: Callable[[], T]) -> T | None:
        return checks.or_warn(what, look, warnings, "the other counts hold; please report it")

    def looked(what: str, look: Callable[[Workload, Callable[[], Any]], T]) -> T | None:
        return tried(what, lambda: workload.probe(variant, lambda run: look(workload, run)))

    made = tried("the passes", lambda: passes.of(workload, variant))
    trace = tried("the gradients", lambda: gradients.traced(workload, variant))
    if trace is not None:
        traces[variant] = trace
    done = None
    if naming.ready_at_once(naming.as_built(variant, workload.comparison.baseline)):
        done = looked("the operations", _operations)
    else:
        warnings.append(f"the operations of {variant} are not counted: they are not as written")
    kept = looked("what autograd keeps", _kept)
    return Counts(
        calls=None if trace is None else dict(sorted(trace.calls.items())),
        computing=None if trace is None else trace.computing,
        parameter_gradients=None if trace is None else trace.computed,
        foreign=None if trace is None else _foreign(trace),
        forward_calls=None if made is None else made.forward_calls,
        forward_images=None if made is None else _forward(workload, made),
        backward_calls=None if made is None else made.backward_calls,
        backward_images=None if made is None else _backward(workload, made),
        saved=None if kept is None else kept.saved,
        gradients=None if kept is None else kept.gradients,
        **({"forward_flops": None, "backward_flops": None} if done is None else _dispatched(*done)),
    )


def _forward(workload: Workload, made: Passes) -> int:
    """Inputs in forward passes; a call of several networks counts as one."""
    return made.forward_calls if workload.several else made.forward_images


def _backward(workload: Workload, made: Passes) -> int:
    return made.backward_calls if workload.several else made.backward_images


def _dispatched(found: FlopCount, host: Counter[str]) -> dict[str, Any]:
    if found.forward is None:
        return {"forward_flops": None, "backward_flops": None}
    forward, backward = dict(found.forward_kernels), dict(found.backward_kernels)
    host["item()"] += forward.pop(ITEM, 0) + backward.pop(ITEM, 0)
    return {
        "forward_flops": found.forward,
        "backward_flops": found.backward,
        "forward_kernels": forward,
        "backward_kernels": backward,
        "views": found.views,
        "host": {name: number for name, number in sorted(host.items()) if number},
    }


def _foreign(trace: GradientTrace) -> int:
    return sum(each.gradients for each in trace.observed.foreign)


def _operations(workload: Workload, run: Callable[[], Any]) -> tuple[FlopCount, Counter[str]]:
    with _handed_over() as host, flops.counted() as found:
        run()
    return found, host


def _kept(workload: Workload, run: Callable[[], Any]) -> Kept:
    return memory.kept(run, workload.model, workload.kept)


@contextlib.contextmanager
def _handed_over() -> Iterator[Counter[str]]:
    """Count the tensors handed to numpy or made into lists; torch dispatches nothing for them.

    In the class, and no mode of torch's: in one of those some layers compute in another way.
    """
    count: Counter[str] = Counter()

    def counting(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def counted(*args: Any, **kwargs: Any) -> Any:
            count[f"{method.__name__}()"] += 1
            return method(*args, **kwargs)

        return counted

    own = vars(torch.Tensor)
    # `Tensor.__array__`, by which numpy asks, calls `numpy`.
    before = {name: own.get(name) for name in ("numpy", "tolist")}
    for name in before:
        setattr(torch.Tensor, name, counting(getattr(torch.Tensor, name)))
    try:
        yield count
    finally:
        for name, method in before.items():
            if method is None:
                delattr(torch.Tensor, name)
            else:
                setattr(torch.Tensor, name, method)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
