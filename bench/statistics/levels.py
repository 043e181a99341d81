"""Whether the speedup itself changed while it was measured, as it does between clock states. Pure.

The median of a process's blocks is that of the level which lasted longest, and its interval knows
only what blocks differ by within their neighbourhood and a little beyond. So neighbouring blocks
are put together in stretches of 3, 9, 27 and so on, and the median of each stretch is held against
that of the process. What noise explains is told from what a level that changes now and then leaves
as it is: the differences of successive blocks, and, since noise too comes in stretches, how far the
runs of the same variant lie apart in the stretch itself; the larger of the two. The farthest of all
stretches is judged as such (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy
from numpy.typing import NDArray

from bench.statistics.blocks import Block
from bench.statistics.estimate import ROUNDING, Speedup

FALSE = 0.001
"""How often noise alone makes some stretch of a process stand out, were it normal."""
_ROOM = 1.5
"""How many times farther it must lie, for noise that is not."""
_SHORTEST = 3
"""Blocks in a stretch: of two that are held up, one is more."""
_MAD = 1.4826
_SPREAD = 1 / math.sqrt(4 * math.log(2))
"""Standard deviation of a block's log ratio over the median of blocks' spreads, of normal noise:
where runs have variance v the ratio has v too, and the square of the spread is 2 v times a
chi-square with two degrees of freedom, whose median is 2 log 2."""
_MEDIAN = math.sqrt(math.pi / 2)
"""Standard error of a median over that of a mean."""

Array = NDArray[numpy.float64]


@dataclass(frozen=True)
class Level:
    """The stretch of a process whose speedup lies farthest from the process's own.

    Attributes:
        away: log of its speedup over the process's.
        noise: how far noise alone may take it.
        blocks: in the stretch.
        process: which.
    """

    away: float
    noise: float
    blocks: int
    process: int

    def outside(self, interval: Speedup) -> bool:
        """Whether noise does not explain it, and the speedup's interval does not reach as far."""
        return abs(self.away) > max(self.noise, interval.half_width, ROUNDING)


def farthest(blocks: Sequence[Block]) -> Level | None:
    """The stretch that stands out most, of any process; None with too few blocks.

    Args:
        blocks: of all processes, in the order they were run.
    """
    groups: dict[int, list[Block]] = {}
    for block in blocks:
        if not block.repeated:
            groups.setdefault(block.process, []).append(block)
    found = [_of_process(process, group) for process, group in groups.items()]
    return max(filter(None, found), key=_standing_out, default=None)


def _of_process(process: int, group: Sequence[Block]) -> Level | None:
    ratios = _around_their_parts(group)
    lengths = [_SHORTEST]
    while lengths[-1] * _SHORTEST * 2 <= len(ratios):
        lengths.append(lengths[-1] * _SHORTEST)
    if len(ratios) < 2 * _SHORTEST:
        return None
    spreads = numpy.array([block.spread for block in group])
    usual = _MAD * float(numpy.median(numpy.abs(numpy.diff(ratios)))) / math.sqrt(2)
    looks = sum(len(ratios) // length for length in lengths)
    sure = _ROOM * NormalDist().inv_cdf(1 - FALSE / (2 * looks))
    levels = []
    for length in lengths:
        away = _medians(ratios, length)
        noise = numpy.maximum(usual, _SPREAD * _medians(spreads, length))
        noise *= sure * _MEDIAN / math.sqrt(length)
        levels += [
            Level(float(far), float(explained), length, process)
            for far, explained in zip(away, noise, strict=True)
        ]
    return max(levels, key=_standing_out)


def _medians(values: Array, length: int) -> Array:
    """Of each stretch of so many; what is left at the end is left out."""
    whole = len(values) // length * length
    medians: Array = numpy.median(values[:whole].reshape(-1, length), axis=1)
    return medians


def _standing_out(level: Level) -> float:
    if level.noise:
        return abs(level.away) / level.noise
    return math.inf if level.away else 0.0


def _around_their_parts(group: Sequence[Block]) -> Array:
    """Log ratios less the median of their own part: parts differ in what is gained."""
    ratios = numpy.array([block.log_ratio for block in group])
    parts = numpy.array([block.part for block in group])
    for part in numpy.unique(parts):
        ratios[parts == part] -= numpy.median(ratios[parts == part])
    return ratios
