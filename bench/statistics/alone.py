"""Each variant run alone for a while, held against the speedup that blocks gave. Pure.

In a block no variant runs twice without the other beside it, and some effects need longer: clocks
that settle at the power one of them draws, caches, an allocator. So after its blocks a process runs
one variant alone, the other, the other again, and the first: a block whose runs are stretches. One
of each would be cheaper, but would take a drift or a change of clocks in between for a difference
of the variants; in this order a drift cancels, and how far the two stretches of the same variant
lie apart tells what the stretches themselves are good for. That is two degrees of freedom for each
process, and Student's t with so few is wide, as it should be.
"""

from __future__ import annotations

import math
import statistics as standard
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.statistics.blocks import Block
from bench.statistics.estimate import CONFIDENCE, ROUNDING, Speedup, t_quantile

ORDER: Sequence[Literal["A", "B"]] = ("A", "B", "B", "A")
"""Of the stretches: A is the baseline."""
SECONDS = 0.25
"""Of a stretch; each variant has two."""
FEWEST_RUNS, MOST_RUNS = 5, 100
SHARE = 0.25
"""Of a process's measuring time, that all stretches may take; where the fewest runs take longer,
there are none."""


@dataclass(frozen=True)
class Stretch:
    """Runs of one variant, one after the other.

    Attributes:
        process: number of the worker process.
        variant: "A", the baseline, or "B".
        seconds: of each run, in order.
    """

    process: int
    variant: Literal["A", "B"]
    seconds: list[float]

    @property
    def level(self) -> float:
        """Median log time of the runs that follow one of their own: all but the first."""
        return standard.median(map(math.log, self.seconds[1:]))


@dataclass(frozen=True)
class Alone:
    """What the stretches of all processes come to.

    Attributes:
        ratio: time of the baseline over that of the variant, each run alone.
        half_width: of the 95 % interval of its log, from how far stretches of the same variant lie
            apart.
    """

    ratio: float
    half_width: float

    def differs(self, interval: Speedup) -> bool:
        """Whether its interval and the speedup's lie apart."""
        apart = abs(math.log(self.ratio / interval.estimate))
        return apart > self.half_width + interval.half_width + ROUNDING


def wanted(device: str) -> bool:
    """Whether a process on a device, by torch's name of it, runs each variant alone.

    A GPU's runs are short, and its clocks follow what is run; on a CPU the time is worth more in
    blocks.
    """
    return device.startswith("cuda")


def runs(blocks: Sequence[Block], share: float) -> dict[str, int]:
    """How many runs a stretch of each variant has; none where they would take too long.

    Args:
        blocks: that the process measured.
        share: seconds that it had for measuring.
    """
    counted = [block for block in blocks if not block.repeated]
    if not counted:
        return {}
    each = {
        letter: standard.median(s.seconds for block in counted for s in block.of(letter))
        for letter in "AB"
    }
    if 2 * FEWEST_RUNS * sum(each.values()) > SHARE * share:
        return {}
    longest = min(SECONDS, SHARE * share / len(ORDER))
    return {
        letter: max(FEWEST_RUNS, min(MOST_RUNS, int(longest / seconds)))
        for letter, seconds in each.items()
    }


def alone(stretches: Sequence[Stretch]) -> Alone | None:
    """The ratio of the variants run alone; None without stretches.

    Args:
        stretches: of every process that has them.
    """
    groups: dict[int, list[Stretch]] = {}
    for stretch in stretches:
        groups.setdefault(stretch.process, []).append(stretch)
    if not groups:
        return None
    found = [_of_process(group) for group in groups.values()]
    variance = standard.fmean(variance for _, variance in found) / len(found)
    half = t_quantile(2 * len(found), CONFIDENCE) * math.sqrt(variance)
    return Alone(math.exp(standard.fmean(ratio for ratio, _ in found)), half)


def _of_process(group: Sequence[Stretch]) -> tuple[float, float]:
    """The log ratio of a process and its variance, from two stretches of each variant."""
    levels: Mapping[str, list[float]] = {
        letter: [stretch.level for stretch in group if stretch.variant == letter] for letter in "AB"
    }
    (first, last), (second, third) = levels["A"], levels["B"]
    ratio = (first + last - second - third) / 2
    # A mean of two has half their variance, which is half their squared difference.
    return ratio, ((first - last) ** 2 + (second - third) ** 2) / 4
