"""Averages of speedups: the geometric mean with its interval, the papers' arithmetic mean. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bench.records.types import ComparisonRecord
from bench.statistics.estimate import NEXT_RUN, Speedup
from reports.reading import levels


@dataclass(frozen=True)
class Average:
    """The average speedup of some comparisons.

    Attributes:
        geometric: the geometric mean; `processes` and `blocks` are those of the case with the
            fewest. Its interval is for the mean of these very cases, whose errors are taken to be
            independent: the half-widths of the logarithms, added in quadrature, over their number.
            None at both ends where a case has no interval. If those of the cases are where the next
            run's estimates lie, it is where the next run's mean does.
        arithmetic: the arithmetic mean, as papers print it; a few large speedups pull it up.
        count: how many went in.
        level: what their outputs were equal to, as `reports.reading.levels.word` has it.
        ran_on: the GPU, or the processor; "" where averages are not apart by it.
    """

    geometric: Speedup
    arithmetic: float
    count: int
    level: str = ""
    ran_on: str = ""


def of(
    records: Iterable[ComparisonRecord],
    ran_on: Callable[[ComparisonRecord], str] = lambda record: "",
) -> list[Average]:
    """The average of those that came to a speedup, of each level of equality apart.

    Args:
        records: some comparisons.
        ran_on: what each ran on; of these the averages are apart too.
    """
    there = [record for record in records if record.status == "ok"]
    found: dict[tuple[str, str], list[Speedup]] = {
        (level, on): []
        for level in levels.words_of(there)
        for on in dict.fromkeys(map(ran_on, there))
    }
    for record in there:
        if record.speedup is not None:
            found[levels.word(record), ran_on(record)].append(record.speedup)
    return [_of(speedups, level, on) for (level, on), speedups in found.items() if speedups]


def _of(found: Sequence[Speedup], level: str, ran_on: str) -> Average:
    logs = [math.log(speedup.estimate) for speedup in found]
    centre = statistics.fmean(logs)
    half = math.sqrt(math.fsum(speedup.half_width**2 for speedup in found)) / len(found)
    known = math.isfinite(half)
    geometric = Speedup(
        estimate=math.exp(centre),
        low=math.exp(centre - half) if known else None,
        high=math.exp(centre + half) if known else None,
        confidence=found[0].confidence,
        processes=min(speedup.processes for speedup in found),
        blocks=min(speedup.blocks for speedup in found),
        method=stands_for(found, "errors of the cases added in quadrature"),
    )
    arithmetic = statistics.fmean(speedup.estimate for speedup in found)
    return Average(geometric, arithmetic, len(found), level, ran_on)


def of_next_run(records: Iterable[ComparisonRecord]) -> bool:
    """Whether all that came to a speedup have the interval of the next run's estimate."""
    found = [record.speedup for record in records if record.speedup is not None]
    return bool(found) and all(one.of_next_run for one in found)


def stands_for(found: Iterable[Speedup], how: str) -> str:
    """The method of an interval that is made of these: of the next run's if all of them are.

    Args:
        found: what it is made of.
        how: it is made.
    """
    return f"{NEXT_RUN}: {how}" if all(one.of_next_run for one in found) else how
