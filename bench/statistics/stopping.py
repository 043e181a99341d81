"""When to stop: on width or on budget, never on significance. Pure.

Looking again and again at an interval and stopping when it happens to be narrow makes it cover less
than it says. So looks are rare (a seventh more blocks each), none counts before twenty blocks, and
the interval must be narrow at two looks in a row; `make coverage` shows what is left of the effect.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.statistics import estimate
from bench.statistics.blocks import Block
from bench.statistics.estimate import CONFIDENCE, Speedup

StopReason = Literal["precise", "budget", "enough", "processes"]
"""Narrow enough; time was up; of a process, what its own blocks leave open is little against what
processes differ by; or, of a case, all of them have run, and what they differ by is wider."""

FEWEST_CALM = 1
"""Blocks of a process without a disturbance, where there are several processes: what comes of one
that was held up in all of its blocks is no estimate."""
MIN_BLOCKS = 20
"""Before an interval may count as narrow enough."""
GROWTH = 1.15
"""How many times the blocks of the last look there must be for the next."""
CUDA_SECONDS = 3.0
"""Of runs, that a process on a GPU measures at least: its runs are so short and so alike that an
interval is narrow before the clocks have once changed."""
PATIENCE = 4
"""How many times its budget a process, or a case, may take to get what an interval needs."""


@dataclass(frozen=True)
class StopRule:
    """What is asked of a case, and of each of its processes.

    Attributes:
        precision: half-width of the interval of the log ratio that is narrow enough.
        max_seconds: measuring time of all processes together; a slow or a disturbed case may take
            up to four times as long, until there are blocks, or processes, enough for an interval.
        processes: how many share them.
        least_seconds: of runs, that each process measures before it may stop because its interval
            is narrow or its blocks are enough, where its share of the time allows for that.
    """

    precision: float
    max_seconds: float
    processes: int = 1
    least_seconds: float = 0.0

    @classmethod
    def for_device(
        cls, device: str, precision: float, max_seconds: float, processes: int = 1
    ) -> StopRule:
        """The rule on a device, by torch's name of it."""
        least = CUDA_SECONDS if device.startswith("cuda") else 0.0
        return cls(precision, max_seconds, processes, least)

    @property
    def share(self) -> float:
        """Seconds for one process."""
        return self.max_seconds / self.processes

    @property
    def own_precision(self) -> float:
        """Half-width in each process with which processes that agree meet `precision` together.

        Theirs is of the next run's estimate, which has an error of its own: sqrt(2) of one.
        """
        if self.processes == 1:
            return self.precision
        normal = estimate.normal_quantile(CONFIDENCE)
        student = estimate.t_quantile(self.processes - 1, CONFIDENCE)
        return self.precision * math.sqrt(self.processes / 2) * normal / student

    def of_case(self, interval: Speedup, reasons: Sequence[StopReason]) -> StopReason:
        """Why the whole case stopped.

        Args:
            interval: over all processes.
            reasons: why each process stopped.
        """
        if interval.half_width <= self.precision:
            return "precise"
        return "budget" if "budget" in reasons or self.processes == 1 else "processes"


def measured(blocks: Iterable[Block]) -> float:
    """Seconds of all runs."""
    return math.fsum(sample.seconds for block in blocks for sample in block.samples)


class Looks:
    """Looks at one process's blocks as they come in, seldom.

    Args:
        rule: what is asked of the case.
        most: blocks that the process is worth, see `bench.statistics.planning`.

    Attributes:
        interval: as of the last look; None before the first.
    """

    def __init__(self, rule: StopRule, most: float = math.inf) -> None:
        self.interval: Speedup | None = None
        self._rule = rule
        self._most = most
        self._narrow = False

    def reason(self, blocks: Sequence[Block], seconds: float) -> StopReason | None:
        """Why this process should stop now, or None to go on.

        Args:
            blocks: of this process.
            seconds: how long it has been measuring.
        """
        counted = sum(not block.repeated for block in blocks)
        if not counted:
            return None
        calm = sum(block.calm for block in blocks)
        over = seconds >= self._rule.share
        worth = calm >= self._most and (over or self._long(blocks))
        if self.interval is None or over or worth or counted >= GROWTH * self.interval.blocks:
            self.interval = estimate.speedup(blocks)
            narrow = self.interval.half_width <= self._rule.own_precision
            enough = counted >= MIN_BLOCKS
            if narrow and enough and self._narrow and (over or self._long(blocks)):
                return "precise"
            self._narrow = narrow and enough
        if not over:
            return "enough" if worth else None
        few = calm < FEWEST_CALM
        if self._rule.processes == 1:
            few = math.isinf(self.interval.half_width)
        return None if few and seconds < PATIENCE * self._rule.share else "budget"

    def _long(self, blocks: Sequence[Block]) -> bool:
        least = self._rule.least_seconds
        return not least or measured(blocks) >= least
