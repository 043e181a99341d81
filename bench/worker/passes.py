"""How often a model is passed, forward and backward, and with how many images; nothing is timed.

A forward pass is an outermost call of the model, by `model(...)` or `model.forward(...)`, whatever
stands around it (`torch.compile`, `torch.jit`, `torch.func`); a recomputation for a backward pass
is none. Where the model is called in parts, as by `forward_features` and `forward_head`, the part
that was called with most images tells how many passed it.

A backward pass is an outermost call of autograd's engine. It reaches the images of the forward
passes that its graph leads to; where that leads to none, as behind a checkpoint that builds its
graph anew, those of the forward passes that it computes again.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from bench.worker import compilers, gradients
from bench.worker.calls import Call, intercepted
from bench.worker.tensors import tensors_in, unwrapped, whole
from bench.worker.workload import Workload

_MARK = "semibackward: passes"
"""Under which a node of the graph has the numbers of the passes whose output it is."""


@dataclass
class Passes:
    """What one run did.

    Attributes:
        forward_calls, forward_images: forward passes, and images in them all together; a call
            without tensors counts as one image.
        backward_calls, backward_images: of the engine, likewise.
        without_tensors: calls with nothing to tell images by.
        in_parts: whether the model was called by its parts, or by what was compiled of it.
    """

    forward_calls: int = 0
    forward_images: int = 0
    backward_calls: int = 0
    backward_images: int = 0
    without_tensors: int = 0
    in_parts: bool = False


@dataclass
class _Images:
    """Images in some calls: in those of the whole model, and by part in others."""

    whole: int = 0
    by_part: Counter[int] = field(default_factory=Counter)

    @property
    def number(self) -> int:
        return self.whole + max(self.by_part.values(), default=0)

    def add(self, part: int | None, images: int) -> None:
        if part is None:
            self.whole += images
        else:
            self.by_part[part] += images


@contextlib.contextmanager
def counted(model: nn.Module, dimensions: int | None = None) -> Iterator[Passes]:
    """Count the passes made inside the block; complete when it ends.

    Args:
        model: whose.
        dimensions: of a batch of images as the model takes it; without, the first dimension of
            what it is called with is the batch.
    """
    passes = Passes()
    count = _Count(model, dimensions, passes)
    with (
        intercepted(model, count.call, parts=parts_of(model)),
        gradients.engine_watched(),
        gradients.engine_replaced(lambda engine: _Counting(engine, count)),
    ):
        yield passes
    passes.forward_calls += max(count.part_calls.values(), default=0)
    passes.forward_images = count.forward.number


def of(workload: Workload, variant: str) -> Passes:
    """Count the passes of a run of a variant; what it compiles runs as it was written, for compiled
    code that the model was compiled into, with what surrounds it, never calls it."""

    def look(run: Callable[[], Any]) -> Passes:
        with counted(workload.model, workload.dimensions) as passes, compilers.as_written():
            run()
        return passes

    return workload.probe(variant, look)


def parts_of(model: nn.Module) -> Callable[[Any], bool]:
    """Tells what is called in a model's place: a module of its own that holds parameters, or what
    `torch.jit` or `torch.compile` made of it, which shares them."""
    own = {id(module) for module in model.modules() if any(True for _ in module.parameters())}
    parameters = {id(parameter) for parameter in model.parameters()}

    def is_part(module: Any) -> bool:
        if id(module) in own:
            return True
        compiled = "_orig_mod" in vars(module).get("_modules", ())
        if not compiled and not isinstance(module, torch.jit.ScriptModule):
            return False
        return any(id(parameter) in parameters for parameter in module.parameters())

    return is_part


class _Count:
    """Adds calls and backward passes up."""

    def __init__(self, model: nn.Module, dimensions: int | None, passes: Passes) -> None:
        self._model = model
        self._own = {id(module) for module in model.modules()}
        self._dimensions = dimensions
        self._passes = passes
        self.forward = _Images()
        self.part_calls: Counter[int] = Counter()
        self._calls: list[tuple[int | None, int]] = []
        self._again = _Images()

    def call(self, module: Any, run: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        whole = module is self._model or id(module) not in self._own
        part = None if whole else id(module)
        images = images_in((args, kwargs), self._dimensions if whole else None)
        if gradients.in_backward():
            self._again.add(part, images or 0)
            return run(*args, **kwargs)
        self._passes.in_parts |= module is not self._model
        self._passes.without_tensors += images is None
        images = 1 if images is None else images
        if part is None:
            self._passes.forward_calls += 1
        else:
            self.part_calls[part] += 1
        self.forward.add(part, images)
        number = len(self._calls)
        self._calls.append((part, images))
        output = run(*args, **kwargs)
        for tensor in tensors_in(output):
            for one in unwrapped(tensor):
                node: Any = one.grad_fn
                if node is not None:
                    node.metadata.setdefault(_MARK, set()).add((id(self), number))
        return output

    def backward(self, run: Callable[[], Any], marks: set[tuple[int, int]], copies: int) -> Any:
        reached = _Images()
        for owner, number in marks:
            if owner == id(self):
                reached.add(*self._calls[number])
        self._again = _Images()
        try:
            return run()
        finally:
            self._passes.backward_calls += 1
            self._passes.backward_images += copies * (reached.number or self._again.number)


class _Counting(gradients.InFront):
    """Hands outermost backward passes to the count."""

    def __init__(self, engine: Any, count: _Count) -> None:
        super().__init__(engine)
        self._count = count

    def run_backward(self, tensors: Any, given: Any, *args: Any, **kwargs: Any) -> Any:
        def run() -> Any:
            return self._engine.run_backward(tensors, given, *args, **kwargs)

        if gradients.in_backward() or compilers.compiling():
            return run()
        # torch passes (tensors, grad_tensors, keep_graph, create_graph, inputs, ...) by position.
        inputs = kwargs["inputs"] if "inputs" in kwargs else args[2] if len(args) > 2 else ()
        marks = _marks(map(_node, tensors), map(_node, inputs))
        copies = max(map(_asked_at_once, tensors, given), default=1)
        return self._count.backward(run, marks, copies)


def _node(root: Any) -> Any:
    """Where a backward pass begins: at a tensor's, or from torch 2.5 on at an edge of the graph."""
    return root.grad_fn if isinstance(root, Tensor) else getattr(root, "node", None)


def _marks(roots: Iterable[Any], ends: Iterable[Any]) -> set[tuple[int, int]]:
    """The passes that a graph leads to before it comes to its ends."""
    found: set[tuple[int, int]] = set()
    seen = {*ends, None}
    stack = [node for node in roots if node not in seen]
    seen.update(stack)
    while stack:
        node = stack.pop()
        found |= node.metadata.get(_MARK, set())
        for child, _ in node.next_functions:
            if child not in seen:
                seen.add(child)
                stack.append(child)
    return found


def images_in(arguments: Any, dimensions: int | None) -> int | None:
    """How many images a call is made with; None without a tensor to tell by.

    Args:
        arguments: in them the first tensor of floating-point numbers counts, or else the first.
        dimensions: of a batch of images; further ones before it multiply it.
    """
    with compilers.untraced():
        found = [tensor for tensor in tensors_in(arguments) if tensor.ndim]
        if not found:
            return None
        tensor = next((one for one in found if one.is_floating_point()), found[0])
        if dimensions is None or tensor.ndim < dimensions - 1:
            return len(tensor) * _copies(tensor)
        return math.prod(tensor.shape[: tensor.ndim - dimensions + 1]) * _copies(tensor)


def _copies(tensor: Tensor) -> int:
    """How many of it `torch.func.vmap` holds at once; 1 outside of it."""
    found = whole(tensor)
    return found.numel() // tensor.numel() if tensor.numel() else 1


def _asked_at_once(root: Any, given: Any) -> int:
    """How many gradients of a root one backward pass computes, as for a Jacobian."""
    if not isinstance(root, Tensor) or not isinstance(given, Tensor):
        return 1
    return max(1, _copies(given) // _copies(root))
