"""What measured variants are worth against each other. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from bench.advising import ladder
from bench.records.types import ComparisonRecord
from bench.statistics.components import unseen
from bench.statistics.equality import Level
from bench.statistics.estimate import EQUIVALENCE, normal_quantile

EXACT: tuple[Level, ...] = ("identical", "rounding")
ANY: tuple[Level, ...] = (*EXACT, "agreeing", "other")
_UNKNOWN = 0.05
"""Half-width of the log ratio of a speedup that has too few blocks for an interval."""


def allowed(record: ComparisonRecord, *, exact: bool) -> bool:
    """Whether a variant came to a speedup, at a level that may be the answer."""
    if record.status != "ok" or record.speedup is None or record.equality is None:
        return False
    return record.equality.level in (EXACT if exact else ANY)


def estimate(record: ComparisonRecord | None) -> float:
    """How many times as fast as the original; of the original itself 1."""
    if record is None:
        return 1.0
    return 0.0 if record.speedup is None else record.speedup.estimate


def gains(record: ComparisonRecord, over: ComparisonRecord | None) -> bool:
    """Whether a variant is faster than another, or than the original, by more than counts as the
    same speed."""
    return estimate(record) > (1 + EQUIVALENCE) * estimate(over)


def loses(record: ComparisonRecord, to: ComparisonRecord | None) -> bool:
    """Whether a variant is slower than another, or than the original, by more than noise is."""
    if not estimate(record):
        return False
    apart = math.log(estimate(to) / estimate(record))
    halves = [_half(record), *([] if to is None else [_half(to)])]
    return apart > max(math.log1p(EQUIVALENCE), *halves)


def alike(first: ComparisonRecord, second: ComparisonRecord) -> bool:
    """Whether one speedup lies in the other's interval."""
    apart = abs(math.log(estimate(first) / estimate(second)))
    return apart <= max(math.log1p(EQUIVALENCE), max(_half(first), _half(second)))


def _half(record: ComparisonRecord) -> float:
    """Half-width of the log ratio; of one process, with what others differ by."""
    found = record.speedup
    if found is None or not math.isfinite(found.half_width):
        return _UNKNOWN
    if found.processes > 1:
        return found.half_width
    return math.hypot(found.half_width, normal_quantile(found.confidence) * unseen(1))


def best(records: Iterable[ComparisonRecord], *, exact: bool) -> ComparisonRecord | None:
    """The fastest; of those that are as fast for all that is known, the simplest.

    Args:
        records: of variants against the original.
        exact: whether it must make the same examples.
    """
    able = [one for one in records if allowed(one, exact=exact) and estimate(one) > 1]
    if not able:
        return None
    fastest = max(able, key=estimate)
    return min(
        (one for one in able if alike(one, fastest)),
        key=lambda one: (*ladder.size(one.variant), -estimate(one)),
    )


def at_once(records: Iterable[ComparisonRecord], *, exact: bool) -> ComparisonRecord | None:
    """The best of those that need not be made ready."""
    return best((one for one in records if not ladder.made_ready(one.variant)), exact=exact)
