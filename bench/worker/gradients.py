"""See which gradients one run of an attack asks autograd for, and what autograd computes.

Every way into autograd (`loss.backward()`, `torch.autograd.grad`, `torch.func.grad`) ends in one
call of the engine's `run_backward`. The observer stands in front of the engine, so it sees the
call whatever name the library imported it under; and it hooks the graph's nodes, so it sees what
they returned, not what they should have.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.autograd import Variable
from torch.autograd.function import BackwardCFunction

from bench.worker.compilers import compiling

Node = Any


@dataclass
class GradientTrace:
    """What one run did.

    Attributes:
        calls: how often each kind of call was made: "backward" for `loss.backward()`,
            "backward(inputs)" for `loss.backward(inputs=...)`, "autograd.grad" for
            `torch.autograd.grad` and `torch.func.grad`.
        operations: of each parameter whose gradient was computed, by its id, the operation that
            did, as "ConvolutionBackward0", wherever the gradient ended up.
        computing: how many of the calls computed a parameter's gradient.
        computed: parameters' gradients that all calls together computed.
        own_functions: names of custom `autograd.Function`s on the way from a loss to its leaves.
    """

    calls: dict[str, int] = field(default_factory=dict)
    operations: dict[int, str] = field(default_factory=dict)
    computing: int = 0
    computed: int = 0
    own_functions: set[str] = field(default_factory=set)

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
    engine = Variable._execution_engine
    Variable._execution_engine = _Watched(engine, around)  # type: ignore[assignment]
    try:
        yield
    finally:
        Variable._execution_engine = engine


@contextlib.contextmanager
def observed(model: nn.Module) -> Iterator[GradientTrace]:
    """Trace the gradient calls made inside the block.

    Changes no result: nodes get hooks that only look. Runs are slower, so none of them is timed.
    """
    trace = GradientTrace()
    parameters = {id(parameter) for parameter in model.parameters()}
    engine = Variable._execution_engine
    Variable._execution_engine = _Observer(engine, trace, parameters)  # type: ignore[assignment]
    try:
        yield trace
    finally:
        Variable._execution_engine = engine


class _InFront:
    """Stands in for torch's engine; passes everything on."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


class _Watched(_InFront):
    def __init__(self, engine: Any, around: Callable[[Callable[[], Any]], Any]) -> None:
        super().__init__(engine)
        self._around = around

    def run_backward(self, *args: Any, **kwargs: Any) -> Any:
        global _depth
        inner = in_backward() or compiling()
        _depth += 1
        try:
            if inner:
                return self._engine.run_backward(*args, **kwargs)
            return self._around(lambda: self._engine.run_backward(*args, **kwargs))
        finally:
            _depth -= 1


class _Observer(_InFront):
    def __init__(self, engine: Any, trace: GradientTrace, parameters: set[int]) -> None:
        super().__init__(engine)
        self._trace = trace
        self._parameters = parameters

    def run_backward(self, tensors: Any, *args: Any, **kwargs: Any) -> Any:
        # torch passes (tensors, grad_tensors, keep_graph, create_graph, inputs, ...): inputs by
        # position, the two flags by name.
        inputs = kwargs["inputs"] if "inputs" in kwargs else args[3] if len(args) > 3 else ()
        if not kwargs.get("accumulate_grad", False):
            kind = "autograd.grad"
        else:
            kind = "backward(inputs)" if inputs else "backward"
        trace = self._trace
        trace.calls[kind] = trace.calls.get(kind, 0) + 1
        roots = [tensor.grad_fn for tensor in tensors if tensor.grad_fn is not None]
        behind = _leaves_behind(roots)
        trace.own_functions.update(
            type(node).__name__ for node in behind if isinstance(node, BackwardCFunction)
        )
        found: dict[int, str] = {}

        def computed(leaves: frozenset[int], operation: str) -> None:
            for leaf in leaves:
                found.setdefault(leaf, operation)

        handles = _hook(behind, self._parameters, computed)
        try:
            return self._engine.run_backward(tensors, *args, **kwargs)
        finally:
            for handle in handles:
                handle.remove()
            trace.computing += bool(found)
            trace.computed += len(found)
            trace.operations.update(found)


def _hook(
    behind: Mapping[Node, frozenset[int]],
    parameters: set[int],
    computed: Callable[[frozenset[int], str], object],
) -> list[Any]:
    """Hook every node with an edge that leads to parameters and to nothing else.

    Such an edge's gradient is of use to parameters only; if the node returned one, it computed it
    for them. Where the node itself serves parameters only (a weight normalisation; all of the
    graph, when a model is trained) an edge counts if one parameter is behind it.
    """
    handles = []
    for node, leaves in behind.items():
        most = 1 if leaves <= parameters else len(parameters)
        reached = [behind.get(child, frozenset()) for child, _ in node.next_functions]
        edges = [
            found if found <= parameters and len(found) <= most else frozenset()
            for found in reached
        ]
        if any(edges):
            handles.append(node.register_hook(_report(node.name(), edges, computed)))
    return handles


def _report(
    operation: str,
    edges: list[frozenset[int]],
    computed: Callable[[frozenset[int], str], object],
) -> Callable[[Any, Any], None]:
    def look(gradients: Any, outputs: Any) -> None:
        for leaves, gradient in zip(edges, gradients, strict=False):
            if gradient is not None:
                computed(leaves, operation)

    return look


def _leaves_behind(roots: list[Node]) -> dict[Node, frozenset[int]]:
    """For each node of the graph, the ids of the leaf tensors it leads to (depth first)."""
    behind: dict[Node, frozenset[int]] = {}
    stack: list[tuple[Node, bool]] = [(root, False) for root in roots]
    while stack:
        node, children_done = stack.pop()
        if node in behind:
            continue
        children = [child for child, _ in node.next_functions if child is not None]
        if not children_done:
            stack.append((node, True))
            stack.extend((child, False) for child in children if child not in behind)
            continue
        leaf = getattr(node, "variable", None)
        own = frozenset() if leaf is None else frozenset({id(leaf)})
        behind[node] = own.union(*(behind[child] for child in children))
    return behind
