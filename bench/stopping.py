"""When to stop: on width or on budget, never on significance. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from bench.statistics import MIN_BLOCKS_FOR_INTERVAL, Speedup

StopReason = Literal["precise", "budget"]

MIN_BLOCKS = 8
"""Before an interval may count as narrow enough."""
PATIENCE = 4
"""How many times its budget a case may take to get the blocks an interval needs."""


@dataclass(frozen=True)
class StopRule:
    """The rule for one process of a case.

    Attributes:
        precision: half-width of the interval of the log ratio that is narrow enough, for all
            processes together.
        max_seconds: measuring time of all processes together; slow cases may take up to four
            times as long, until there are blocks enough for an interval.
        processes: how many share them.
    """

    precision: float
    max_seconds: float
    processes: int = 1

    def reason(self, interval: Speedup, seconds: float) -> StopReason | None:
        """Why this process should stop now, or None to go on.

        Args:
            interval: of this process's own blocks.
            seconds: how long this process has been measuring.
        """
        narrow_enough = self.precision * math.sqrt(self.processes)
        if interval.blocks >= MIN_BLOCKS and interval.half_width <= narrow_enough:
            return "precise"
        share = self.max_seconds / self.processes
        patient = share if interval.blocks >= MIN_BLOCKS_FOR_INTERVAL else PATIENCE * share
        return "budget" if seconds >= patient else None
