"""Look into a graph of autograd: which leaves it leads to, and whose gradients its nodes return."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

from torch import Tensor

Node = Any


def root(asked: Any) -> Node | None:
    """The node behind a tensor, or a `GradientEdge`, that is differentiated; None without one."""
    return asked.grad_fn if isinstance(asked, Tensor) else getattr(asked, "node", None)


def variable(asked: Any) -> Tensor | None:
    """The tensor that a gradient is asked for; None where only its node is known."""
    if isinstance(asked, Tensor):
        return asked
    return getattr(getattr(asked, "node", None), "variable", None)


def hook(
    behind: Mapping[Node, frozenset[int]],
    parameters: Set[int],
    computed: Callable[[frozenset[int], str], object],
) -> list[Any]:
    """Hook every node with an edge that leads to parameters and to nothing else.

    `computed` is told the leaves behind an edge whose gradient a node returned, and the operation.

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


def leaves_of(behind: Iterable[Node]) -> dict[int, Tensor]:
    """The leaves among a graph's nodes, by their ids."""
    found = (getattr(node, "variable", None) for node in behind)
    return {id(leaf): leaf for leaf in found if leaf is not None}


def leaves_behind(roots: Iterable[Node]) -> dict[Node, frozenset[int]]:
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
