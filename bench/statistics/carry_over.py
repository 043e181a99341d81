"""What a run leaves behind for the next one, told apart by which variant ran before. Pure.

Let a run of A take e^d_A times as long right after a run of B as after one of its own, and d_B be
the same of B. Slots of a block count from 1, l_k is the log time in slot k, g what a run is slower
for coming a slot later (a drift, or what the slots themselves do), r = log(A / B) of the programs
each run alone, that is after themselves. Slot 3 follows its own kind, slots 2 and 4 the other:

    ABBA:  l_2 - l_3 = d_B - g        l_4 - l_3 =  r + d_A + g
    BAAB:  l_2 - l_3 = d_A - g        l_4 - l_3 = -r + d_B + g

Let D be BAAB's mean l_2 - l_3 less ABBA's, and S half the sum of all four means. Then
D = d_A - d_B and S = d_A + d_B, whatever r and g are; so d_A = (S + D) / 2 and d_B = (S - D) / 2.

With balanced orders both variants have the same share q of runs that follow the other one: half of
the inner slots, all of the last ones, and the first ones by how the block before ended. So

    estimate = r + q (d_A - d_B) = r + q D

and the bias q D is known without slot 1, and better than either d, as D has nothing of r in it.
Carry-over that slows both alike cancels.

Means are trimmed by a tenth at each end, as a run that was held up says nothing here; those of
either order are independent, and their sum has Student's t interval of Yuen ("The two-sample
trimmed t for unequal population variances", Biometrika 61, 1974).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from bench.statistics.blocks import ORDERS, Block
from bench.statistics.estimate import ROUNDING, Speedup, t_quantile

SURE = 0.97
"""Confidence of the intervals: three calm measurements in a hundred seem to have a carry-over."""
MATTERS = 0.5
"""Of the half-width of the speedup's interval, from which a bias makes it hold less than it says:
there, 84 % in place of 95 %."""
FEWEST = 3
"""Blocks of either order; with fewer, nothing is told."""
_TRIM = 0.1

Array = NDArray[numpy.float64]


@dataclass(frozen=True)
class CarryOver:
    """How much longer runs take after the other variant than after their own. Logs.

    Attributes:
        baseline, variant: of each of them.
        baseline_half_width, variant_half_width: of their 97 % intervals.
        bias: of the speedup's estimate against the ratio of the programs each run alone.
        bias_half_width: of its 97 % interval.
    """

    baseline: float
    baseline_half_width: float
    variant: float
    variant_half_width: float
    bias: float
    bias_half_width: float

    def biases(self, interval: Speedup) -> bool:
        """Whether the bias is told from none, and is much beside the speedup's interval."""
        least = max(self.bias_half_width, MATTERS * interval.half_width, ROUNDING)
        return abs(self.bias) > least


def carry_over(blocks: Sequence[Block]) -> CarryOver | None:
    """What the order of the runs tells; None with too few blocks in either order.

    Args:
        blocks: of all processes, in the order they were run.
    """
    counted = [block for block in blocks if not block.repeated]
    either = [[block for block in counted if block.order == order] for order in ORDERS]
    if min(map(len, either)) < FEWEST:
        return None
    inner, both = zip(*map(_contrasts, either), strict=True)  # of ABBA, of BAAB
    bias = _sum_of_means(-inner[0], inner[1])
    after_other = _share_after_the_other(blocks)
    return CarryOver(
        *_sum_of_means(both[0] / 4 - inner[0] / 2, both[1] / 4 + inner[1] / 2),
        *_sum_of_means(both[0] / 4 + inner[0] / 2, both[1] / 4 - inner[1] / 2),
        *(after_other * part for part in bias),
    )


def _contrasts(blocks: Sequence[Block]) -> tuple[Array, Array]:
    """Of each block l_2 - l_3, and that plus l_4 - l_3."""
    logs = numpy.log([[sample.seconds for sample in block.samples] for block in blocks])
    inner, last = logs[:, 1] - logs[:, 2], logs[:, 3] - logs[:, 2]
    return inner, inner + last


def _of_each_process(blocks: Iterable[Block]) -> list[list[Block]]:
    groups: dict[int, list[Block]] = {}
    for block in blocks:
        groups.setdefault(block.process, []).append(block)
    return list(groups.values())


def _share_after_the_other(blocks: Sequence[Block]) -> float:
    """Of the runs that count and whose predecessor is known, those that follow the other variant.

    Between two blocks the worker does nothing but take the next request, so a block's first run
    follows the last one of the block before.
    """
    after: list[bool] = []
    for group in _of_each_process(blocks):
        previous = ""
        for block in group:
            runs = previous + block.order
            if not block.repeated:
                after += [before != run for before, run in itertools.pairwise(runs)]
            previous = block.order[-1]
    return sum(after) / len(after)


def _sum_of_means(first: Array, second: Array) -> tuple[float, float]:
    """The sum of two trimmed means and the half-width of its interval."""
    (one, error, count), (other, its_error, its_count) = map(_trimmed, (first, second))
    variance = error + its_error
    if not variance:
        return one + other, 0.0
    degrees = variance**2 / (error**2 / (count - 1) + its_error**2 / (its_count - 1))
    return one + other, t_quantile(degrees, SURE) * math.sqrt(variance)


def _trimmed(values: Array) -> tuple[float, float, int]:
    """The trimmed mean, the square of its standard error, and of how many values it is."""
    cut = int(_TRIM * len(values))
    ordered = numpy.sort(values)
    kept = ordered[cut : len(values) - cut]
    around = numpy.clip(ordered, kept[0], kept[-1])
    squares = float(((around - around.mean()) ** 2).sum())
    return float(kept.mean()), squares / (len(kept) * (len(kept) - 1)), len(kept)
