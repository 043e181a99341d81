"""What a run leaves behind for the next one, told apart by which variant ran before. Pure.

Let a run of A take e^d_A times as long right after a run of B as after one of its own, and d_B be
the same of B. Slots of a block count from 1, l_k is the log time in slot k, g what a run is slower
for coming a slot later (a drift, or what the slots themselves do), r = log(A / B) of the programs
each run alone, that is after themselves. Slot 3 follows its own kind, slots 2 and 4 the other:

    ABBA:  l_2 - l_3 = d_B - g        l_4 - l_3 =  r + d_A + g
    BAAB:  l_2 - l_3 = d_A - g        l_4 - l_3 = -r + d_B + g

Of two neighbouring blocks, one in either order, let D be BAAB's l_2 - l_3 less ABBA's, and S half
the sum of all four. Then D = d_A - d_B and S = d_A + d_B, whatever r and g are; so
d_A = (S + D) / 2 and d_B = (S - D) / 2.

With balanced orders both variants have the same share q of runs that follow the other one: half of
the inner slots, all of the last ones, and the first ones by how the block before ended. So

    estimate = r + q (d_A - d_B) = r + q D

and the bias q D is known without slot 1, and better than either d, as D has nothing of r in it.
Carry-over that slows both alike cancels.

Means are trimmed by a fifth at each end, with Student's t interval of their winsorised variance
(Tukey and McLaughlin, "Less vulnerable confidence and significance procedures for location based on
a single sample", Sankhya A 25, 1963): a run that was held up says nothing here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from bench.statistics.blocks import ORDERS, Block
from bench.statistics.estimate import Speedup, t_quantile

SURE = 0.99
"""Confidence of the intervals: one calm measurement in a hundred seems to have a carry-over."""
MATTERS = 0.5
"""Of the half-width of the speedup's interval, from which a bias makes it hold less than it says:
there, 84 % in place of 95 %."""
FEW_PAIRS = 4
"""Of blocks in either order; with fewer, nothing is told."""
_TRIM = 0.2

Array = NDArray[numpy.float64]


@dataclass(frozen=True)
class CarryOver:
    """How much longer runs take after the other variant than after their own. Logs.

    Attributes:
        baseline, variant: of each of them.
        baseline_half_width, variant_half_width: of their 99 % intervals.
        bias: of the speedup's estimate against the ratio of the programs each run alone.
        bias_half_width: of its 99 % interval.
    """

    baseline: float
    baseline_half_width: float
    variant: float
    variant_half_width: float
    bias: float
    bias_half_width: float

    def biases(self, interval: Speedup) -> bool:
        """Whether the bias is told from none, and is much beside the speedup's interval."""
        least = max(self.bias_half_width, MATTERS * interval.half_width)
        return abs(self.bias) > least


def carry_over(blocks: Sequence[Block]) -> CarryOver | None:
    """What the order of the runs tells; None with too few blocks in either order.

    Args:
        blocks: of all processes, in the order they were run.
    """
    pairs = [pair for group in _of_each_process(blocks) for pair in _pairs(group)]
    if len(pairs) < FEW_PAIRS:
        return None
    logs = numpy.log([[[s.seconds for s in block.samples] for block in pair] for pair in pairs])
    inner = logs[:, :, 1] - logs[:, :, 2]  # (pairs, order)
    last = logs[:, :, 3] - logs[:, :, 2]
    difference = inner[:, 1] - inner[:, 0]
    both = (inner + last).sum(axis=1) / 2
    after_other = _share_after_the_other(blocks)
    bias, bias_half = _trimmed(difference)
    return CarryOver(
        *_trimmed((both + difference) / 2),
        *_trimmed((both - difference) / 2),
        after_other * bias,
        after_other * bias_half,
    )


def _of_each_process(blocks: Iterable[Block]) -> list[list[Block]]:
    groups: dict[int, list[Block]] = {}
    for block in blocks:
        groups.setdefault(block.process, []).append(block)
    return list(groups.values())


def _pairs(group: Sequence[Block]) -> list[tuple[Block, Block]]:
    """The blocks of a process that count, an ABBA beside the BAAB that was run next to it."""
    either = ([b for b in group if b.order == order and not b.repeated] for order in ORDERS)
    return list(zip(*either, strict=False))


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


def _trimmed(values: Array) -> tuple[float, float]:
    """The trimmed mean and the half-width of its interval."""
    count = len(values)
    cut = int(_TRIM * count)
    ordered = numpy.sort(values)
    kept = ordered[cut : count - cut]
    winsorised = numpy.clip(ordered, kept[0], kept[-1])
    error = float(winsorised.std(ddof=1)) / ((1 - 2 * cut / count) * math.sqrt(count))
    return float(kept.mean()), t_quantile(len(kept) - 1, SURE) * error
