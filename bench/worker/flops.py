"""Count what one run really dispatches, forward and backward: operations, their arithmetic, and the
bytes that they read and write.

A dispatch mode without module tracking, because `torch.autograd.grad` inside torch's own
`FlopCounterMode` raises; the formulas are torch's, and two that it lacks for attention on a CPU.
"""

from __future__ import annotations

import contextlib
import importlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from bench.worker import compilers, traffic
from bench.worker.gradients import engine_watched, in_backward


@dataclass
class FlopCount:
    """The operations of a run, filled in when its block ends; None where torch can't count.

    Attributes:
        forward: of what ran outside autograd's engine.
        backward: of what ran inside it.
        masks: how often `convolution_backward` was asked for which gradients, as "input, weight".
        forward_kernels, backward_kernels: how often each operation that computes or writes was
            dispatched outside and inside the engine, by its name in ATen.
        views: the same of those that only look at memory another way.
        moved: bytes that all of them read and wrote at least once, as `bench.worker.traffic` has
            them.
    """

    forward: int | None = None
    backward: int | None = None
    masks: dict[str, int] = field(default_factory=dict)
    forward_kernels: dict[str, int] = field(default_factory=dict)
    backward_kernels: dict[str, int] = field(default_factory=dict)
    views: dict[str, int] = field(default_factory=dict)
    moved: int | None = None

    @property
    def total(self) -> int | None:
        """Of the whole run."""
        return None if self.forward is None else self.forward + (self.backward or 0)


def preload() -> None:
    """Import what `counted` does, where this torch has it, and what any dispatch mode does at its
    first operation: inside a run that would be taken for the attack's doing."""
    for name in ("torch.utils.flop_counter", "torch._dynamo"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


@contextlib.contextmanager
def counted() -> Iterator[FlopCount]:
    """Count the operations dispatched inside the block; needs torch 2.1 or newer."""
    count = FlopCount()
    preload()
    try:
        from torch.utils._python_dispatch import TorchDispatchMode
        from torch.utils.flop_counter import flop_registry
    except ImportError:
        yield count
        return

    operations = [0, 0]
    moved = 0
    masks: Counter[str] = Counter()
    kernels: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    views: Counter[str] = Counter()

    class Count(TorchDispatchMode):
        def __torch_dispatch__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            nonlocal moved
            formula = _formula(function, flop_registry)
            name = function.overloadpacket.__name__
            if formula is None and name not in _ATTENTION_ON_CPU:
                # In inference mode what is made of other operations arrives whole, as conv2d.
                with self:
                    out = function.decompose(*args, **(kwargs or {}))
                if out is not NotImplemented:
                    return out
            looks = _only_looks(function)
            (views if looks else kernels[in_backward()])[_full(function)] += 1
            out = function(*args, **(kwargs or {}))
            if not looks:
                moved += traffic.moved(function, args, kwargs or {}, out)
            if formula is not None:
                result = {result_of(formula): out}
                operations[in_backward()] += formula(*args, **(kwargs or {}), **result)
            elif name in _ATTENTION_ON_CPU:
                operations[in_backward()] += _ATTENTION_ON_CPU[name](*args)
            if name == "convolution_backward":
                asked = zip(("input", "weight", "bias"), args[-1], strict=True)
                masks[", ".join(gradient for gradient, wanted in asked if wanted)] += 1
            return out

    # A dispatch mode keeps `torch.compile` from compiling; what insists on it would fail.
    with (
        compilers.as_written(),
        compilers.traced_without_modes(),
        engine_watched(),
        Count(),  # type: ignore[no-untyped-call]
    ):
        yield count
    count.forward, count.backward = operations
    count.masks = dict(masks)
    count.forward_kernels, count.backward_kernels = map(_sorted, kernels)
    count.views = _sorted(views)
    count.moved = moved


def _formula(function: Any, known: Mapping[Any, Callable[..., int]]) -> Callable[..., int] | None:
    """How an operation's arithmetic is counted; one in place, as `baddbmm_`, is as its twin."""
    packet = function.overloadpacket
    name = str(packet.__name__)
    if packet in known or function.namespace != "aten" or not name.endswith("_"):
        return known.get(packet)
    return known.get(getattr(torch.ops.aten, name.removesuffix("_"), None))


def result_of(formula: Callable[..., int]) -> str:
    """What a formula calls an operation's result: torch 2.3 gave it another name."""
    names = getattr(getattr(formula, "__code__", None), "co_varnames", ())
    return "out" if "out" in names and "out_val" not in names else "out_val"


def _only_looks(function: Any) -> bool:
    """Whether an operation's result is another look at its argument's memory, as `view`."""
    shared = [a.alias_info for a in function._schema.arguments if a.alias_info is not None]
    return bool(shared) and not any(alias.is_write for alias in shared)


def _full(function: Any) -> str:
    """An operation's name, as "convolution", or "torchvision::nms" where it is not ATen's."""
    name = str(function.overloadpacket.__name__)
    return name if function.namespace == "aten" else f"{function.namespace}::{name}"


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items()))


def _products(query: Any, key: Any) -> int:
    """Of one matrix product of attention: (B, heads, L, d) by (B, heads, S, d) transposed."""
    batch, heads, length, width = query.shape
    return 2 * int(batch * heads * length * width * key.shape[-2])


# Two products forward; backward five, since the scores are computed again.
_ATTENTION_ON_CPU: dict[str, Callable[..., int]] = {
    "_scaled_dot_product_flash_attention_for_cpu": lambda query, key, *_: 2 * _products(query, key),
    "_scaled_dot_product_flash_attention_for_cpu_backward": lambda _, query, key, *__: (
        5 * _products(query, key)
    ),
}
