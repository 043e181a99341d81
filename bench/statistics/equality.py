"""Whether two variants made the same: what `bench.worker.equality` finds. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Equality:
    """How two outputs compare.

    Attributes:
        equal: same shape and dtype, and no element differs by more than rounding may.
        bitwise: every bit is the same.
        max_abs_diff: the largest difference; None where there is none to tell (text, another shape
            or dtype, or an element that is not finite in one output only).
    """

    equal: bool
    bitwise: bool
    max_abs_diff: float | None
