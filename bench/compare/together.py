"""What the seconds of all cases of two files have in common. Pure.

A single case of one process may have been measured in a slow moment, and nothing in its samples
tells. But cases are measured one after the other, each in a moment of its own, so that the middle
one of their changes is surer than any: what moves it is the code they share, or a machine that was
slower all along, which is what `BETWEEN_SECONDS` of `regression` allows for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import fmean, median

from bench.compare import held
from bench.compare.held import Held
from bench.compare.regression import BETWEEN_SECONDS, Measured, Pair

ALL = "all cases together"
"""The subject of what is found of no case by itself."""
FEWEST_CASES = 5
MIDDLE_ERROR = 1.2533
"""Standard error of a median over that of a mean, of normal values."""


def of_cases(tests: Iterable[Held], share: float) -> Held | None:
    """The middle change of the seconds of all cases; None where there are too few.

    Args:
        tests: of anything; of seconds those that have an interval and can be compared count.
        share: how much worse the middle one may get.
    """
    cases: dict[str, list[Pair]] = {}
    for one in tests:
        of_seconds = one.finding.metric == "seconds" and one.finding.base is not None
        if of_seconds and one.pair.base and one.pair.new and not one.same:
            cases.setdefault(one.finding.subject, []).append(one.pair)
    if len(cases) < FEWEST_CASES or math.isinf(share):
        return None
    change = median(fmean(pair.change for pair in pairs) for pairs in cases.values())
    pairs = [pair for found in cases.values() for pair in found]
    then = _middle((pair.base for pair in pairs), len(cases), 0.0)
    return found(then, _middle((pair.new for pair in pairs), len(cases), change), share)


def found(then: Measured, now: Measured, share: float) -> Held:
    """What all cases have in common, where it was 1 then."""
    what = (ALL, "", "seconds", "the middle change of their seconds", "")
    pair = Pair(then, now, share, more_is_better=False)
    return held.of(what, pair, (1.0, math.exp(pair.change)), only_shown=True)


def _middle(measured: Iterable[Measured | None], cases: int, log: float) -> Measured:
    """The middle one of so many cases, each of which is as unsure as they are on average."""
    every = [one for one in measured if one is not None]
    error = math.sqrt(fmean(one.spread**2 + one.between**2 for one in every))
    return Measured(
        log,
        MIDDLE_ERROR * error / math.sqrt(cases),
        cases - 1,
        BETWEEN_SECONDS,
        median(one.slowed for one in every),
    )
