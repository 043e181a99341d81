"""See which gradients one run of an attack asks autograd for, and what autograd computes.

Every way into autograd (`loss.backward()`, `torch.autograd.grad`, `torch.func.grad`) ends in one
call of the engine's `run_backward`. The observer stands in front of the engine, so it sees the
call whatever name the library imported it under; and it hooks the graph's nodes, so it sees what
they returned, not what they should have. `bench.worker.sight` sees meanwhile whose leaves they
are, who reads their gradients, and who sets the flags that decide about them.
"""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd import Variable
from torch.autograd.function import BackwardCFunction

from bench.statistics.observed import Observed
from bench.worker import compilers, graphs
from bench.worker.sight import Sight

if TYPE_CHECKING:
    from bench.worker.workload import Workload


@dataclass
class GradientTrace:
    """What one run did.

    Attributes:
        calls: how often each kind of call was made: "backward" for `loss.backward()`,
            "backward(inputs)" for `loss.backward(inputs=...)`, "autograd.grad" for
            `torch.autograd.grad` and `torch.func.grad`. One that is made inside another, as
            reentrant checkpointing does, is part of it.
        operations: of each parameter whose gradient was computed, by its id, the operation that
            did, as "ConvolutionBackward0", wherever the gradient ended up.
        computing: how many of the calls computed a parameter's gradient.
        computed: parameters' gradients that all calls together computed.
        own_functions: names of custom `autograd.Function`s on the way from a loss to its leaves.
        refused: what the engine raised in place of an answer, a sentence each.
        others: the networks that were called and are none of the model's, in words; once the block
            has ended.
        observed: whose gradients they are beside the model's, and why; once the block has ended.
    """

    calls: dict[str, int] = field(default_factory=dict)
    operations: dict[int, str] = field(default_factory=dict)
    computing: int = 0
    computed: int = 0
    own_functions: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    observed: Observed = field(default_factory=Observed)

    @property
    def parameters(self) -> set[int]:
        """Ids of the parameters whose gradient was computed."""
        return set(self.operations)

    @property
    def by_operation(self) -> dict[str, int]:
        """How many parameters' gradients each operation computed, most first."""
        return dict(Counter(self.operations.values()).most_common())

    @property
    def call(self) -> str:
        """The kinds of call in one word, "none" without any."""
        return " + ".join(sorted(self.calls)) or "none"


def traced(workload: Workload, variant: str) -> GradientTrace:
    """Trace one run of a variant, from where its state has been brought about.

    Compiled code that the model was compiled into, with what surrounds it, never calls it: where no
    call was seen, calls are those of a run in which what is compiled runs as it was written.
    """

    def look(run: Callable[[], Any]) -> GradientTrace:
        with observed(workload.model, workload.kept) as trace:
            run()
        return trace

    trace = workload.probe(variant, look)
    if not trace.observed.model_calls and compilers.loaded():
        with compilers.as_written():
            calls = workload.probe(variant, look).observed.model_calls
        trace.observed = replace(trace.observed, model_calls=calls)
    return trace


_depth = 0
_task: Callable[[], int] | None = getattr(torch._C, "_current_graph_task_id", None)


def in_backward() -> bool:
    """Whether autograd's engine is at work, inside a block of `engine_watched`; from torch 2.1 on
    whether it is in this thread."""
    return _depth > 0 if _task is None else _task() != -1


@contextlib.contextmanager
def engine_watched(
    around: Callable[[Callable[[], Any]], Any] = lambda run: run(),
) -> Iterator[None]:
    """Stand in front of autograd's engine.

    Args:
        around: calls what it is given, once, and returns what that returned; for outermost calls.
    """
    with engine_replaced(lambda engine: _Watched(engine, around)):
        yield


@contextlib.contextmanager
def engine_replaced(make: Callable[[Any], InFront]) -> Iterator[None]:
    """Inside the block torch asks something in front of its engine, made from what was there."""
    engine = Variable._execution_engine
    Variable._execution_engine = make(engine)  # type: ignore[assignment]
    try:
        yield
    finally:
        Variable._execution_engine = engine


@contextlib.contextmanager
def observed(model: nn.Module, kept: Iterable[Tensor] = ()) -> Iterator[GradientTrace]:
    """Trace the gradient calls made inside the block.

    Changes no result: nodes get hooks that only look. Runs are slower, so none of them is timed.

    Args:
        model: whose parameters count.
        kept: other tensors whose gradients are wanted, and so are none that nobody reads.
    """
    trace, sight = GradientTrace(), Sight(model, kept)
    with sight.watching():
        try:
            with engine_replaced(lambda engine: _Observer(engine, trace, sight)):
                yield trace
        finally:
            trace.observed = sight.observed(trace.parameters)
            trace.others = sight.others


class InFront:
    """Stands in for torch's engine; passes everything on.

    Args:
        engine: torch's, or what stands in front of it already.
    """

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


class _Watched(InFront):
    def __init__(self, engine: Any, around: Callable[[Callable[[], Any]], Any]) -> None:
        super().__init__(engine)
        self._around = around

    def run_backward(self, *args: Any, **kwargs: Any) -> Any:
        global _depth
        inner = in_backward() or compilers.compiling()
        _depth += 1
        try:
            if inner:
                return self._engine.run_backward(*args, **kwargs)
            return self._around(lambda: self._engine.run_backward(*args, **kwargs))
        finally:
            _depth -= 1


class _Observer(InFront):
    def __init__(self, engine: Any, trace: GradientTrace, sight: Sight) -> None:
        super().__init__(engine)
        self._trace = trace
        self._sight = sight

    def run_backward(self, tensors: Any, *args: Any, **kwargs: Any) -> Any:
        if compilers.compiling():
            return self._engine.run_backward(tensors, *args, **kwargs)
        # torch passes (tensors, grad_tensors, keep_graph, create_graph, inputs, ...): inputs by
        # position, the two flags by name.
        inputs = kwargs["inputs"] if "inputs" in kwargs else args[3] if len(args) > 3 else ()
        sight, trace = self._sight, self._trace
        call, outermost = sight.begin()
        if outermost:
            if not kwargs.get("accumulate_grad", False):
                kind = "autograd.grad"
            else:
                kind = "backward(inputs)" if inputs else "backward"
            trace.calls[kind] = trace.calls.get(kind, 0) + 1
        behind = graphs.leaves_behind(filter(None, map(graphs.root, tensors)))
        trace.own_functions.update(
            type(node).__name__ for node in behind if isinstance(node, BackwardCFunction)
        )
        leaves = graphs.leaves_of(behind)
        watched = sight.asked(call, leaves, inputs, sys._getframe(1))
        handles = graphs.hook(behind, watched, call.computed)
        try:
            return self._engine.run_backward(tensors, *args, **kwargs)
        except Exception as error:
            if outermost:
                trace.refused.append(" ".join(f"{type(error).__name__}: {error}".split()))
            raise
        finally:
            for handle in handles:
                handle.remove()
            if outermost:
                sight.end(call)
                trace.computing += bool(call.own)
                trace.computed += len(call.own)
                trace.operations.update(call.own)
