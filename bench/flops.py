"""Count the floating-point operations one run really dispatches, forward and backward.

A dispatch mode without module tracking, because `torch.autograd.grad` inside torch's own
`FlopCounterMode` raises; the formulas are torch's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


class FlopCount:
    """The operations of a run, filled in when its block ends; None where torch can't count."""

    total: int | None = None


@contextlib.contextmanager
def counted() -> Iterator[FlopCount]:
    """Count the operations dispatched inside the block; needs torch 2.1 or newer."""
    count = FlopCount()
    try:
        from torch.utils._python_dispatch import TorchDispatchMode
        from torch.utils.flop_counter import flop_registry
    except ImportError:
        yield count
        return

    class Counter(TorchDispatchMode):
        total = 0

        def __torch_dispatch__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            out = function(*args, **(kwargs or {}))
            formula = flop_registry.get(function.overloadpacket)
            if formula is not None:
                self.total += formula(*args, **(kwargs or {}), out_val=out)
            return out

    with Counter() as counter:  # type: ignore[no-untyped-call]
        yield count
    count.total = counter.total
