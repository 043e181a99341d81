"""From blocks to a speedup, its interval and a verdict. Pure functions, nothing random.

A process's estimate is the weighted median of its blocks' log ratios. A block whose two runs of the
same variant disagree was disturbed and says less, so it weighs 1 / its spread, which is the best
weight for a median (a block's weight knows nothing of which variant was faster).

Its interval inverts the weighted sign test (which asks nothing of the shape of the noise), with a
variance that allows for autocorrelation: Bartlett weights over a fourteenth of the blocks and the
matching critical value (Kiefer and Vogelsang, "A new asymptotic theory for
heteroskedasticity-autocorrelation robust tests", Econometric Theory 21, 2005, table 1).

Several processes give one estimate each, from their calm blocks, and the mean of these is the
case's; a process without any does not count. For there are few blocks then, and neither a median of
two nor a mean of five processes is a match for a run that another program held up. Where fewer than
two processes have a calm block, the case's estimate is the median of all blocks, each weighing 1 /
the square of its spread, if that is not calm, and all processes tell how wide its interval is.

What a reader does with an interval is to expect the next run's estimate in it, and that has an
error of its own, as large as this one's. So the interval over n processes is Student's t prediction
interval for the mean of n further ones: their mean ± t(n - 1) s sqrt(1/n + 1/n), with s their
standard deviation (Hahn, "Factors for calculating two-sided prediction intervals for samples from a
normal distribution", Journal of the American Statistical Association 64, 1969). It is sqrt(2) times
as wide as the confidence interval of the true ratio.

`make coverage` measures how often these intervals hold, and why a bootstrap over processes and
blocks does not do for few.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from statistics import NormalDist, median
from typing import Literal

import numpy
from numpy.typing import NDArray

from bench.statistics.blocks import CALM, Block

Verdict = Literal["faster", "slower", "same", "inconclusive"]

CONFIDENCE = 0.95
EQUIVALENCE = 0.02
"""Half-width of the band around 1 inside which two variants count as the same speed."""
FEW_PROCESSES = 5
"""With fewer, the interval is wide for want of processes, and the report says so."""

SINGLE_PROCESS = "over the blocks of a single process"
"""The method of an interval that holds within its process, and says nothing of another one."""
NEXT_RUN = "where the next run's estimate lies"
"""How the method of such an interval begins, also of one that is made of several in quadrature."""
OVER_PROCESSES = f"{NEXT_RUN}: Student's t over processes"
"""The method of an interval over several processes. Records made before it existed have intervals
of the true ratio: "t interval over processes", "bootstrap over processes and blocks"."""
SINGLE_PROCESS_DEGREES = 13
"""Degrees of freedom of an interval over the blocks of one process; fewer with fewer blocks.

The critical values of Bartlett's estimate with its bandwidth of 0.07 of the blocks are those of
Student's t with about so many: 2.17 and 2.62 against 2.16 and 2.65, at 95 and 98 %, so t's tails
are the heavier ones.
"""

ROUNDING = 1e-9
"""Of the difference of two logs: less is the arithmetic's, and no measurement's."""
_BANDWIDTH = 0.07
"""Share of the blocks over which autocorrelation is looked for."""

Array = NDArray[numpy.float64]


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

    @property
    def of_next_run(self) -> bool:
        """Whether the interval is where the next run's estimate lies; else it is of the truth."""
        return self.method.startswith(NEXT_RUN)

    @property
    def degrees(self) -> int:
        """Degrees of freedom behind the interval."""
        if self.processes > 1:
            return self.processes - 1
        return max(1, min(SINGLE_PROCESS_DEGREES, self.blocks - 1))

    @property
    def error(self) -> float:
        """Standard error of the log estimate, by the farther end; infinite without an interval.

        An interval for the next run's estimate has two such errors in it, this run's and that
        one's, which are independent and as large. That of a mean in quadrature, which has the
        degrees of the case with the fewest, comes out a little too small at worst.
        """
        if self.low is None or self.high is None:
            return math.inf
        centre = math.log(self.estimate)
        half = max(math.log(self.high) - centre, centre - math.log(self.low))
        errors = math.sqrt(2) if self.of_next_run else 1.0
        return half / (errors * t_quantile(self.degrees, self.confidence))


def speedup(blocks: Iterable[Block], *, confidence: float = CONFIDENCE) -> Speedup:
    """Estimate the speedup from the blocks that count; see the head of this module.

    Args:
        blocks: at least one that is not `repeated`.
        confidence: of the interval.
    """
    groups = _by_process(blocks)
    count = sum(len(group) for group in groups)
    if len(groups) == 1:
        centre, low, high = weighted_median(_weighted(groups[0]), confidence)
        method = SINGLE_PROCESS
    else:
        calm = [[block for block in group if block.calm] for group in groups]
        calm = list(filter(None, calm))
        disturbed = len(calm) < 2
        if not disturbed:
            groups = calm
        centres = numpy.array([_middle(*_weighted(group)) for group in groups])
        centre = float(centres.mean())
        if disturbed:
            centre = _least_disturbed(list(chain(*groups)))
        half = half_width_of_next(float(centres.std(ddof=1)), len(centres), confidence)
        low, high = centre - half, centre + half
        method = OVER_PROCESSES
    known = math.isfinite(low) and math.isfinite(high)
    return Speedup(
        math.exp(centre),
        math.exp(low) if known else None,
        math.exp(high) if known else None,
        confidence,
        len(groups),
        count,
        method,
    )


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


def half_width_of_next(deviation: float, processes: int, confidence: float) -> float:
    """How far from a mean over processes that of as many further ones lies at most.

    Args:
        deviation: standard deviation of the processes, as these show it.
        processes: two at least.
        confidence: that it lies so near.
    """
    return t_quantile(processes - 1, confidence) * deviation * math.sqrt(2 / processes)


@cache
def t_quantile(degrees: float, confidence: float) -> float:
    """The two-sided quantile of Student's t."""
    from scipy.special import stdtrit  # slow to import, and one process does without

    return float(stdtrit(degrees, (1 + confidence) / 2))


@cache
def normal_quantile(confidence: float) -> float:
    """The two-sided quantile of the normal distribution."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def weights(spreads: Array) -> Array:
    """Weight of each block from the spread of its runs, at most sqrt(2) times the usual one's.

    Two runs may agree by chance, so half the median square is added to each.
    """
    squares = spreads**2
    usual = median(squares.tolist())
    if not squares.any():
        return numpy.ones_like(squares)
    lifted = squares + (usual / 2 or float(squares[squares > 0].min()))
    result: Array = 1 / numpy.sqrt(lifted)
    return result


def _by_process(blocks: Iterable[Block]) -> list[list[Block]]:
    """The blocks that count, of each process."""
    counted: dict[int, list[Block]] = {}
    for block in blocks:
        if not block.repeated:
            counted.setdefault(block.process, []).append(block)
    return list(counted.values())


def _weighted(group: Sequence[Block]) -> tuple[Array, Array]:
    """The log ratios of a process's blocks, and their weights."""
    ratios, spreads = numpy.array([(block.log_ratio, block.spread) for block in group]).T
    return ratios, weights(spreads)


def _least_disturbed(blocks: Sequence[Block]) -> float:
    """The median of the blocks' log ratios, in which one that was held up says next to nothing."""
    ratios, spreads = numpy.array([(block.log_ratio, block.spread) for block in blocks]).T
    return _middle(ratios, numpy.maximum(spreads, CALM) ** -2)


def weighted_median(group: tuple[Array, Array], confidence: float) -> tuple[float, float, float]:
    """The weighted median of a process's values and its interval, infinite where they are too few.

    Args:
        group: the values in the order they were measured, and their weights, (n,) each.
        confidence: of the interval.
    """
    ratios, weight = group
    centre = _middle(ratios, weight)
    error = math.sqrt(_variance(weight, numpy.sign(ratios - centre)))
    half = _critical_value(len(ratios), confidence) * error / (2 * float(weight.sum()))
    # The smallest and the largest block stand for half a block's weight beyond them.
    if half >= 0.5 - 0.25 / len(ratios):
        return centre, -math.inf, math.inf
    low, high = _quantiles(ratios, weight, (0.5 - half, 0.5 + half))
    return centre, float(low), float(high)


def _middle(ratios: Array, weight: Array) -> float:
    return float(_quantiles(ratios, weight, (0.5,))[0])


def _variance(weight: Array, signs: Array) -> float:
    """Of the weighted sum of signs: Bartlett's estimate, never below that of independent signs."""
    independent = float(weight @ weight)
    series = weight * signs
    reach = _reach(len(series))
    lagged = sum(
        2 * (1 - lag / reach) * float(series[:-lag] @ series[lag:]) for lag in range(1, reach)
    )
    return max(independent, independent + lagged)


def _critical_value(blocks: int, confidence: float) -> float:
    """Of Bartlett's estimate with its bandwidth a fixed share of the series.

    The published polynomial is for 95 %; other levels scale it like the normal quantile.
    """
    share = _reach(blocks) / blocks
    at_95 = 1.96 + 2.9694 * share + 0.4160 * share**2 - 0.5324 * share**3
    return at_95 * normal_quantile(confidence) / normal_quantile(0.95)


def _reach(blocks: int) -> int:
    return max(1, int(_BANDWIDTH * blocks))


def _quantiles(values: Array, weight: Array, shares: Sequence[float]) -> Array:
    """Weighted quantiles, interpolated between the middles of the weights."""
    order = numpy.argsort(values, kind="stable")
    sorted_weight = weight[order]
    middles = (numpy.cumsum(sorted_weight) - sorted_weight / 2) / sorted_weight.sum()
    result: Array = numpy.interp(shares, middles, values[order])
    return result
