"""What the rounds of pytest-benchmark's tests are worth, from one run to the next. Pure.

A file is of one process, whose rounds follow each other within a second. So:

- A test's level is the lower quartile of its rounds: other programs only ever slow a round down,
  and on a busy machine the median moves a hundred times as far.
- Its rounds are no independent draws, so more of them make the level no surer: it is taken to be as
  unsure as one round of the faster half is.
- What another process would make of it (memory lies elsewhere, the clock runs otherwise) its rounds
  can't tell, but many tests of a file can: most of them do what they did, so that the middle of
  their changes is what the machine did, and their distance from it is what a test does by itself.
  With few tests it is what seconds of two runs of this program do, see `regression`.
- That distance has long tails: a few tests in a hundred lie ten times as far out as the middle one.

What all tests have in common is the machine's or the code's, and nothing in the file tells which.
So it is judged by itself, and a test is a regression only where it stands out from the others too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy

from bench.compare.regression import BETWEEN_SECONDS, Measured
from bench.compare.together import MIDDLE_ERROR

LEVEL = 0.25
"""The quantile of the rounds that is compared."""
FEWEST_ROUNDS = 5
"""With fewer, nothing is said; pytest-benchmark runs as many unless told otherwise."""
MANY_TESTS = 10
"""From so many on, a file's tests tell how far a test moves by itself."""
LEAST = 0.02
"""Standard deviation of the log level of a test between two runs of a file, at least."""
TAILS = 2
"""Degrees of freedom of each file's part of a test's distance: those of both add up to Student's t
with 4, whose tails are as long."""
_MAD = 1.4826


@dataclass(frozen=True)
class Level:
    """Where a test's rounds lie.

    Attributes:
        log: logarithm of their lower quartile, in seconds.
        spread: standard deviation of the logarithms of their faster half.
    """

    log: float
    spread: float


@dataclass(frozen=True)
class Found:
    """What two files are worth.

    Attributes:
        tests: each test then and now; None where there are too few rounds.
        together: what all have in common, as seconds that were 1; None with too few tests.
    """

    tests: tuple[tuple[Measured | None, Measured | None], ...]
    together: tuple[Measured, Measured] | None


def level(seconds: Sequence[float]) -> Level | None:
    """Of a test's rounds; None where they are too few."""
    if len(seconds) < FEWEST_ROUNDS:
        return None
    low, quarter, half = numpy.quantile(numpy.log(seconds), (0.1, LEVEL, 0.5))
    return Level(float(quarter), float(half - low) / 1.2816)


def measured(tests: Sequence[tuple[Level | None, Level | None]]) -> Found:
    """What all tests that two files share are worth."""
    changes = [new.log - base.log for base, new in tests if base and new]
    if len(changes) < MANY_TESTS:
        return Found(tuple((_alone(base), _alone(new)) for base, new in tests), None)
    middle = float(numpy.median(changes))
    distance = _MAD * float(numpy.median(numpy.abs(numpy.array(changes) - middle)))
    own = max(LEAST, distance / math.sqrt(2))
    found = [(_among(base, own), _among(new, own)) for base, new in tests]
    error = MIDDLE_ERROR * own / math.sqrt(len(changes))
    then = Measured(0.0, error, len(changes) - 1, BETWEEN_SECONDS)
    return Found(
        tuple((_held_up(base, -middle), _held_up(new, middle)) for base, new in found),
        (then, replace(then, log=middle)),
    )


def _alone(found: Level | None) -> Measured | None:
    return None if found is None else Measured(found.log, found.spread, TAILS, BETWEEN_SECONDS)


def _among(found: Level | None, own: float) -> Measured | None:
    return None if found is None else Measured(found.log, math.hypot(found.spread, own), TAILS)


def _held_up(found: Measured | None, by: float) -> Measured | None:
    """With what the machine may have cost it, as all tests together show it."""
    return None if found is None else replace(found, slowed=max(0.0, by))
