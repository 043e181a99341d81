"""In the worker: count exactly what one run of each variant does; nothing is timed.

Each instrument gets a run of its own, all from the same state, after a run of both variants that
fills what libraries fill once. The garbage collector is off meanwhile: what a reference cycle holds
is then held to the end of the run, and does not depend on when the collector happens to come by.
"""

from __future__ import annotations

import contextlib
import gc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch

from bench.statistics.counts import Counts
from bench.worker import checks, flops, gradients, memory
from bench.worker.dissecting import Clock, seams
from bench.worker.flops import FlopCount
from bench.worker.gradients import GradientTrace
from bench.worker.memory import Kept
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
        warnings: for the user.
    """

    counts: dict[str, Counts]
    parameters: int
    unequal: str | None
    warnings: list[str]


def count(workload: Workload) -> Counted:
    """Count both variants.

    Raises:
        InvalidOutput: the attack's output is none.
    """
    passed = checks.gate(workload)
    warnings = list(passed.warnings)
    with _uncollected():
        counts = {name: _counts(workload, name, warnings) for name in workload.variants}
    return Counted(
        counts,
        parameters=len(list(workload.model.parameters())),
        unequal=passed.unequal,
        warnings=list(dict.fromkeys([*warnings, *checks.left_behind(workload)])),
    )


def _counts(workload: Workload, variant: str, warnings: list[str]) -> Counts:
    def looked(what: str, look: Callable[[Workload, Callable[[], Any]], T]) -> T | None:
        probe = partial(workload.probe, variant, partial(look, workload))
        return checks.or_warn(what, probe, warnings, "the other counts hold, please report it")

    clock = workload.probe(variant, partial(_passes, workload))
    trace = looked("the gradients", _trace)
    done = looked("the operations", _operations)
    kept = looked("what autograd keeps", _kept)
    return Counts(
        calls=None if trace is None else dict(sorted(trace.calls.items())),
        computing=None if trace is None else trace.computing,
        parameter_gradients=None if trace is None else trace.computed,
        forward_calls=clock.forward_calls,
        forward_images=clock.images_forward,
        backward_calls=clock.backward_calls,
        backward_images=clock.images_backward,
        saved=None if kept is None else kept.saved,
        gradients=None if kept is None else kept.gradients,
        **({"forward_flops": None, "backward_flops": None} if done is None else _dispatched(*done)),
    )


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


def _passes(workload: Workload, run: Callable[[], Any]) -> Clock:
    clock = Clock()
    with seams(workload.model, clock):
        run()
    return clock


def _trace(workload: Workload, run: Callable[[], Any]) -> GradientTrace:
    with gradients.observed(workload.model) as trace:
        run()
    return trace


def _operations(workload: Workload, run: Callable[[], Any]) -> tuple[FlopCount, Counter[str]]:
    with _handed_over() as host, flops.counted() as found:
        run()
    return found, host


def _kept(workload: Workload, run: Callable[[], Any]) -> Kept:
    return memory.kept(run, workload.model)


@contextlib.contextmanager
def _handed_over() -> Iterator[Counter[str]]:
    """Count the tensors handed to numpy or made into lists; torch dispatches nothing for them."""
    count: Counter[str] = Counter()
    watched = {
        torch.Tensor.numpy: "numpy()",
        torch.Tensor.__array__: "numpy()",
        torch.Tensor.tolist: "tolist()",
    }
    try:
        from torch.overrides import TorchFunctionMode
    except ImportError:
        yield count
        return

    class Watch(TorchFunctionMode):
        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if function in watched:
                count[watched[function]] += 1
            return function(*args, **(kwargs or {}))

    with Watch():
        yield count


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
