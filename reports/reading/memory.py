"""What workers did with memory that was given back, and what that shows in the times. Pure.

A page that the kernel clears before it hands it out again is a minor page fault, and takes a time
that no operation counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from statistics import median

from bench.records.memory import AsGiven
from bench.records.types import ComparisonRecord, Environment, Timed

AS_GIVEN = "as the system gives memory"
MANY_FAULTS = 1000
"""Of a run: 4 MB of pages, which take about a millisecond."""


def sentence(environment: Environment) -> str | None:
    """What workers did with it; None on an accelerator and where no record tells."""
    found = environment.memory
    if found is None:
        return None
    told = found.told
    if found.policy == "system":
        return f"Memory: {told}; without --memory system workers keep it."
    if not found.kept:
        return f"Memory: {told}; times may differ more from process to process."
    return f"Memory: {told}, as a GPU's caching allocator does; --memory system leaves it as it is."


def spread(found: AsGiven | None) -> str:
    """From which speedup to which it went, from process to process."""
    if found is None or not found.speedups:
        return "-"
    return f"{min(found.speedups):.2f} to {max(found.speedups):.2f}"


def of_spread(named: Sequence[tuple[str, ComparisonRecord]]) -> str | None:
    """What those ranges are, and the page faults that go with them."""
    there = [(name, r, r.as_given) for name, r in named if r.as_given is not None]
    if not there:
        return None
    counts = sorted({len(given.speedups) for _, _, given in there})
    many = "" if counts[-1] == 1 else "es"
    said = (
        f"{AS_GIVEN[0].upper()}{AS_GIVEN[1:]}: the lowest and the highest of"
        f" {' or '.join(map(str, counts))} process{many}, a block each"
    )
    faults = [
        (name, _of_processes(given.faults[r.baseline], given), per_run(r, r.baseline))
        for name, r, given in there
        if given.faults is not None
    ]
    most = max(faults, key=lambda found: max(found[1]), default=None)
    if most is None or max(most[1]) < MANY_FAULTS:
        return f"{said}."
    name, among, kept = most
    beside = "" if kept is None else f" ({_count(kept)} where memory is kept)"
    return (
        f"{said}; where it is given back the kernel clears it again, which slows the original most:"
        f" a run of {name}'s met {_count(min(among))} to {_count(max(among))} page faults{beside}."
    )


def above_ceiling(record: ComparisonRecord, environment: Environment) -> str | None:
    """Why a speedup lies above what operations predict, where page faults were seen to do it."""
    found, predicted = record.speedup, (record.theory or {}).get("speedup")
    if found is None or found.low is None or not isinstance(predicted, float):
        return None
    before, after = per_run(record, record.baseline), per_run(record, record.variant)
    if before is None or after is None or found.low <= predicted:
        return None
    if before - after < MANY_FAULTS:
        return None
    given = environment.memory is not None and environment.memory.policy == "system"
    return (
        f"above the {predicted:.2f} that operations predict: a run of the original met"
        f" {_count(before)} page faults, one of the variant {_count(after)}, and memory that the"
        f" kernel clears takes time that no operation counts"
        f"{' (without --memory system it is left out)' if given else ''}"
    )


def per_run(record: Timed, way: str) -> float | None:
    """Median page faults of a run; None where nobody counted them."""
    found = (record.faults or {}).get(way)
    return median(found) if found else None


def _of_processes(faults: Sequence[int], found: AsGiven) -> list[float]:
    """Median page faults of a run, process by process."""
    runs = len(faults) // len(found.processes)
    each: Iterable[tuple[int, int]] = zip(
        (process for process in found.processes for _ in range(runs)), faults, strict=True
    )
    return [median(count for _, count in group) for _, group in groupby(each, lambda one: one[0])]


def _count(value: float) -> str:
    return f"{value:,.0f}"
