"""From blocks to a speedup, its interval and a verdict. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy
from numpy.typing import NDArray

from bench.blocks import Block

Verdict = Literal["faster", "slower", "same", "inconclusive"]

CONFIDENCE = 0.95
EQUIVALENCE = 0.02
"""Half-width of the band around 1 inside which two variants count as the same speed."""
RESAMPLES = 2000
MIN_BLOCKS_FOR_INTERVAL = 6
"""In a process. With fewer, even the range of all its blocks covers their median less than 95
times in 100. Where processes are resampled, it is their number that counts."""
MIN_PROCESSES_FOR_RESAMPLING = 5


@dataclass(frozen=True)
class Speedup:
    """time(baseline) / time(variant), and how sure we are of it.

    Attributes:
        estimate: the ratio.
        low, high: ends of the interval; None while there are too few blocks for one.
        confidence: of the interval, 0 to 1.
        processes, blocks: how many went in.
        method: what the interval stands for.
    """

    estimate: float
    low: float | None
    high: float | None
    confidence: float
    processes: int
    blocks: int
    method: str

    @property
    def half_width(self) -> float:
        """Half the width of the interval of the log ratio; infinite without an interval."""
        if self.low is None or self.high is None:
            return math.inf
        return (math.log(self.high) - math.log(self.low)) / 2


def log_ratio(block: Block) -> float:
    """log(mean time of the baseline / mean time of the variant) within one block."""
    means = [sum(s.seconds for s in block.of(letter)) / len(block.of(letter)) for letter in "AB"]
    return math.log(means[0] / means[1])


def speedup(blocks: Sequence[Block], *, seed: int, confidence: float = CONFIDENCE) -> Speedup:
    """Estimate the speedup: the median over processes of each process's median log ratio.

    The interval is a percentile bootstrap: over processes and, within each, over blocks; with
    fewer than five processes over blocks alone, so that it holds for the processes that were run
    and not for ones to come. `method` says which.

    Args:
        blocks: at least one.
        seed: of the resampling.
        confidence: of the interval.
    """
    groups = _by_process(blocks)
    method = _method(len(groups))
    estimate = math.exp(_median_of_medians(groups))
    low = high = None
    fewest = min(len(group) for group in groups)
    if fewest >= (MIN_BLOCKS_FOR_INTERVAL if len(groups) < MIN_PROCESSES_FOR_RESAMPLING else 1):
        centres = _resampled_centres(groups, numpy.random.default_rng(seed))
        tail = (1 - confidence) / 2
        low, high = (float(end) for end in numpy.exp(numpy.quantile(centres, (tail, 1 - tail))))
    return Speedup(estimate, low, high, confidence, len(groups), len(blocks), method)


def verdict(interval: Speedup, band: float = EQUIVALENCE) -> Verdict:
    """Read the interval against the equivalence band from 1/(1 + band) to 1 + band.

    `same` if it lies inside the band, `faster` if wholly above it, `slower` if wholly below,
    `inconclusive` if it crosses an edge or there is none.
    """
    if interval.low is None or interval.high is None:
        return "inconclusive"
    lower, upper = 1 / (1 + band), 1 + band
    if interval.low > upper:
        return "faster"
    if interval.high < lower:
        return "slower"
    if interval.low >= lower and interval.high <= upper:
        return "same"
    return "inconclusive"


def _by_process(blocks: Sequence[Block]) -> list[NDArray[numpy.float64]]:
    ratios: dict[int, list[float]] = {}
    for block in blocks:
        ratios.setdefault(block.process, []).append(log_ratio(block))
    return [numpy.array(group) for group in ratios.values()]


def _median_of_medians(groups: Sequence[NDArray[numpy.float64]]) -> float:
    return float(numpy.median([numpy.median(group) for group in groups]))


def _resampled_centres(
    groups: Sequence[NDArray[numpy.float64]], random: numpy.random.Generator
) -> NDArray[numpy.float64]:
    medians = numpy.stack(
        [
            numpy.median(group[random.integers(0, len(group), (RESAMPLES, len(group)))], axis=1)
            for group in groups
        ],
        axis=1,
    )
    if len(groups) >= MIN_PROCESSES_FOR_RESAMPLING:
        chosen = random.integers(0, len(groups), (RESAMPLES, len(groups)))
        medians = numpy.take_along_axis(medians, chosen, axis=1)
    centres: NDArray[numpy.float64] = numpy.median(medians, axis=1)
    return centres


def _method(processes: int) -> str:
    if processes >= MIN_PROCESSES_FOR_RESAMPLING:
        return "bootstrap over processes and blocks"
    if processes > 1:
        return "bootstrap over blocks, processes fixed"
    return "bootstrap over blocks, single process"
