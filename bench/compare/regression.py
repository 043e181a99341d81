"""Whether something measured got worse by more than is allowed. Pure functions, nothing random.

A measured value is a logarithm, its standard error and the degrees of freedom behind that error.
Two files are two measurements apart in time, so what an interval leaves out is put back in:

- An interval over the blocks of a single process holds for that process; another comes out
  elsewhere, and so does another run of several: `bench.statistics.components` has by how much. The
  median of the standard deviation between processes, where that comes from, is 0.05 for log
  seconds.
- Seconds are of a machine at a time: both files' carry that spread, however many processes.
- Those of a single process on a CPU are of a moment. `results/regressions/run-before.jsonl` holds
  25 equal copies of one attack, three seconds each, one after the other; the standard deviation of
  the logarithms of their medians is 0.21, though nothing else ran that the system knew of: a
  virtual machine does not see what its neighbours do.
- Other programs only ever slow a run down. What they may have cost the new seconds is no loss, and
  what they may have cost the base's is no gain, see `Conditions.slowed` in `bench.statistics`.

Every interval comes down to a standard error and its degrees of freedom (`Speedup.error` and
`Speedup.degrees` in `bench.statistics.estimate`), whatever it stands for: the next run's estimate,
or in older records the true ratio. The difference of two values has Welch's degrees of freedom.

The question for each case is one-sided and against the margin: is the loss above what is allowed?
Over the cases the p-values are corrected by Holm's method (Scandinavian Journal of Statistics 6,
1979), so that a file without any loss above the margin fails at most one time in twenty, however
many cases it has.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy

from bench.statistics import components, estimate
from bench.statistics.estimate import CONFIDENCE, SINGLE_PROCESS_DEGREES, Speedup

Judgement = Literal["regression", "improvement", "unchanged", "inconclusive"]

Samples = Mapping[int, Sequence[float]]
"""Seconds by process, each in the order they were measured."""

MOST = math.log(1e9)
"""Of a loss that is told, on the log scale; an interval may be wider than any number."""
BETWEEN_SECONDS = 0.05
"""Standard deviation of log seconds between processes, and from one run of the program to
another."""
BETWEEN_MOMENTS = 0.21
"""The same of log seconds of a single process on a CPU, from one moment to another."""


@dataclass(frozen=True)
class Measured:
    """A positive quantity as it was measured.

    Attributes:
        log: its natural logarithm.
        spread: standard error of the logarithm, as its own samples show it.
        degrees: of freedom behind `spread`.
        between: standard deviation of what its own samples can't show, taken as known.
        slowed: of seconds, the logarithm of how many times too long they may be at most, since
            other programs ran meanwhile.
    """

    log: float
    spread: float
    degrees: float
    between: float = 0.0
    slowed: float = 0.0

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval of the quantity."""
        return math.exp(self.log - self._half)

    @property
    def high(self) -> float:
        """Upper end of it."""
        return math.exp(self.log + self._half)

    @property
    def _half(self) -> float:
        return math.hypot(
            self.spread * estimate.t_quantile(self.degrees, CONFIDENCE),
            self.between * estimate.normal_quantile(CONFIDENCE),
        )


@dataclass(frozen=True)
class Pair:
    """The same quantity in two files; `base` or `new` None where there is no interval for it.

    Attributes:
        base, new: what was, and what is.
        share: how much worse it may get, 0.05 for 5 %.
        more_is_better: as of a speedup; not of seconds.
    """

    base: Measured | None
    new: Measured | None
    share: float
    more_is_better: bool

    @property
    def change(self) -> float:
        """The logarithm of new over base, which must both be there."""
        assert self.base is not None
        assert self.new is not None
        return self.new.log - self.base.log

    @property
    def margin(self) -> float:
        """The loss that is allowed, on the log scale."""
        return -math.log1p(-self.share) if self.more_is_better else math.log1p(self.share)


@dataclass(frozen=True)
class Judged:
    """What a pair says.

    Attributes:
        judgement: `regression` if the loss is above the margin, corrected for all cases;
            `improvement` if the gain is; `unchanged` if the loss is below the margin in this case
            by itself; else `inconclusive`.
        ratio: new over base; None without two values.
        low, high: ends of its 95 % interval, of this case by itself; None without.
        p: corrected, that the loss is not above the margin; None without.
        alone: whether this case by itself would be a regression.
        visible: the least ratio away from 1 that could have come out as a regression, in the sense
            of `ratio`; None without two values.
    """

    judgement: Judgement
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    alone: bool = False
    visible: float | None = None


@dataclass(frozen=True)
class Shown:
    """Which way a pair moved, each by itself and without any margin; neither where it is open."""

    worse: bool
    better: bool


def of_speedup(found: Speedup) -> Measured | None:
    """A recorded speedup; None where it has no interval."""
    if found.low is None or found.high is None:
        return None
    between = components.unseen(found.processes)
    return Measured(math.log(found.estimate), found.error, found.degrees, between)


def of_seconds(samples: Samples, *, on_cpu: bool = True, slowed: float = 1.0) -> Measured | None:
    """Absolute seconds, from samples by process, each in the order they were measured.

    Args:
        samples: of each process.
        on_cpu: whether the work was done there.
        slowed: how many times too long they may be at most, since other programs ran meanwhile.

    Returns:
        the median of one process or the mean of their medians; None with too few samples.
    """
    groups = [numpy.log(numpy.array(found, dtype=float)) for found in samples.values() if found]
    found = [estimate.weighted_median((logs, numpy.ones_like(logs)), CONFIDENCE) for logs in groups]
    if not found:
        return None
    if len(found) == 1:
        ((centre, low, high),) = found
        half = max(high - centre, centre - low)
        degrees = max(1, min(SINGLE_PROCESS_DEGREES, len(groups[0]) - 1))
        if not math.isfinite(half):
            return None
        spread = half / estimate.t_quantile(degrees, CONFIDENCE)
        between = BETWEEN_MOMENTS if on_cpu else BETWEEN_SECONDS
        return Measured(centre, spread, degrees, between, math.log(slowed))
    centres = numpy.array([centre for centre, _, _ in found])
    spread = float(centres.std(ddof=1)) / math.sqrt(len(centres))
    degrees = len(centres) - 1
    return Measured(float(centres.mean()), spread, degrees, BETWEEN_SECONDS, math.log(slowed))


def middle(samples: Samples) -> float:
    """The median of all samples, of which there is one at least."""
    every = sorted(second for found in samples.values() for second in found)
    return every[len(every) // 2]


def judge(
    pairs: Sequence[Pair], confidence: float = CONFIDENCE, weight: float = 1.0
) -> list[Judged]:
    """Judge many cases at once; see the head of this module.

    Args:
        pairs: one for each case of a family.
        confidence: one less the share of files without a loss that may fail.
        weight: the part of that share that is this family's, where a file has several.
    """
    tails = [_tails(pair) for pair in pairs]
    losses = holm([None if found is None else found.loss for found in tails], weight)
    gains = holm([None if found is None else found.gain for found in tails], weight)
    tests = sum(found is not None for found in tails)
    return [
        _judged(pair, found, loss, gain, confidence, weight / max(1, tests))
        for pair, found, loss, gain in zip(pairs, tails, losses, gains, strict=True)
    ]


def shown(pair: Pair, confidence: float = CONFIDENCE) -> Shown:
    """Whether a pair shows by itself that it got worse, or better, by anything at all."""
    tails = _tails(replace(pair, share=0.0))
    if tails is None:
        return Shown(worse=False, better=False)
    alpha = 1 - confidence
    return Shown(worse=tails.loss <= alpha, better=tails.gain <= alpha)


def holm(values: Sequence[float | None], weight: float = 1.0) -> list[float | None]:
    """Holm's corrected p-values; None stays None and does not count."""
    known = sorted((value, index) for index, value in enumerate(values) if value is not None)
    corrected: list[float | None] = [None] * len(values)
    highest = 0.0
    for rank, (value, index) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * value / weight))
        corrected[index] = highest
    return corrected


def _judged(
    pair: Pair,
    tails: _Tails | None,
    loss: float | None,
    gain: float | None,
    confidence: float,
    part: float,
) -> Judged:
    """`part` is this test's of what may fail."""
    if pair.base is None or pair.new is None or tails is None or loss is None or gain is None:
        return Judged("inconclusive")
    alpha = 1 - confidence
    change = pair.change
    error, degrees = _error([pair.base, pair.new])
    half = error * estimate.t_quantile(degrees, confidence)
    judgement: Judgement = "inconclusive"
    if loss <= alpha:
        judgement = "regression"
    elif gain <= alpha:
        judgement = "improvement"
    elif tails.hidden >= confidence:
        judgement = "unchanged"
    return Judged(
        judgement,
        ratio=math.exp(change),
        low=math.exp(change - half),
        high=math.exp(change + half),
        p=loss,
        alone=tails.loss <= alpha,
        visible=_visible(pair, alpha * part),
    )


def _visible(pair: Pair, alpha: float) -> float:
    """The ratio of the least loss that the first of Holm's tests, at alpha, calls a regression."""
    assert pair.base is not None
    assert pair.new is not None
    error, degrees = _error([pair.base, pair.new])
    distance = error * estimate.t_quantile(degrees, 1 - 2 * alpha)
    loss = min(MOST, pair.margin + pair.new.slowed + distance)
    return math.exp(-loss if pair.more_is_better else loss)


@dataclass(frozen=True)
class _Tails:
    """How likely so large a change is if the true one is the margin, by Student's t.

    Attributes:
        loss: so large a loss, less what other programs may have cost the new value.
        gain: so large a gain, less what they may have cost the base.
        hidden: so large a loss, with what a slow base may hide of it.
    """

    loss: float
    gain: float
    hidden: float


def _tails(pair: Pair) -> _Tails | None:
    if pair.base is None or pair.new is None:
        return None
    both = [pair.base, pair.new]
    loss = (pair.base.log - pair.new.log) * (1 if pair.more_is_better else -1)
    return _Tails(
        loss=_upper(loss - pair.new.slowed - pair.margin, both),
        gain=_upper(-loss - pair.base.slowed - pair.margin, both),
        hidden=_upper(loss + pair.base.slowed - pair.margin, both),
    )


def _upper(distance: float, both: Iterable[Measured]) -> float:
    """The upper tail of Student's t beyond a distance."""
    from scipy.special import stdtr  # slow to import

    error, degrees = _error(both)
    if error == 0:
        return 0.0 if distance > 0 else 1.0
    return float(stdtr(degrees, -distance / error))


def _error(both: Iterable[Measured]) -> tuple[float, float]:
    """The standard error of a difference, and Welch's degrees of freedom of it."""
    both = list(both)
    parts = [(one.spread**2, one.degrees) for one in both]
    known = sum(one.between**2 for one in both)
    total = known + sum(variance for variance, _ in parts)
    loose = sum(variance**2 / degrees for variance, degrees in parts)
    return math.sqrt(total), total**2 / loose if loose else 1e6
