"""The seconds of a run's portions, how near a speedup comes to its ceiling, and what was observed
that keeps it under that. Pure.

A portion is what `KindReport.portions` says: a step of an attack, say.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bench.cases import A_A
from bench.records.types import ComparisonRecord
from bench.statistics import anatomy
from reports.reading import causes, kind, predicted, shares, ways

NEAR = 0.9
"""Share of its ceiling from which nobody asks why a speedup is not larger."""
_NOT_SEEN = (
    "nothing was observed that tells why; explain takes {portion} apart, into forward, output"
    " gradients, parameter gradients and the rest"
)


def portion(record: ComparisonRecord) -> str:
    """What a portion of its runs is called, as "a step"."""
    return kind.of(record.case).portions(record.case)[1] or "a run"


def each(record: ComparisonRecord, variant: str) -> list[float]:
    """Seconds a portion of every timed run of a variant."""
    count, _ = kind.of(record.case).portions(record.case)
    return [seconds / count for seconds in record.seconds.get(variant, ())]


def median(record: ComparisonRecord, variant: str) -> float | None:
    """Their median; None without a speedup, for then nothing vouches for them."""
    found = each(record, variant)
    return statistics.median(found) if found and record.speedup is not None else None


def reached(record: ComparisonRecord) -> float | None:
    """The share of the ceiling by FLOPs that a speedup comes to."""
    ceiling = predicted.by_flops(record)
    if record.speedup is None or not ceiling or record.variant == A_A:
        return None
    return record.speedup.estimate / ceiling


def short(record: ComparisonRecord) -> str | None:
    """What was observed that keeps a speedup under its ceiling; None of one that is near it."""
    share = reached(record)
    if share is None or share >= NEAR:
        return None
    seen = "; ".join(_observed(record)) or _NOT_SEEN.format(portion=portion(record))
    return f"{100 * share:.0f} % of its ceiling by FLOPs: {seen}"


def _observed(record: ComparisonRecord) -> Iterator[str]:
    split = shares.of(record)
    if split is not None and (most := anatomy.ceiling_by_time(split)) is not None:
        yield (
            f"of {portion(record)}'s time, parameter gradients take {100 * (1 - 1 / most):.0f} %"
            f" and what is outside the network {100 * split.overhead:.0f} %, so {most:.2f} is all"
            " there is to gain"
        )
    elif (unknown := shares.unknown(record)) is not None:
        yield unknown
    moved = (record.theory or {}).get("bytes")
    if isinstance(moved, float):
        where = ways.the(record.baseline)
        yield f"its operations read and write {moved:.2f} times as many bytes in {where}"
    if (left := causes.no_effect(record) or causes.more(record)) is not None:
        yield left
    bound = record.diagnosis and record.diagnosis.bound
    if bound in ("launch-bound", "synchronisation-bound"):
        yield f"it is {bound}"
