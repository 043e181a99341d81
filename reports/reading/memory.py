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
from reports.reading import ways

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
    least, most = f"{min(found.speedups):.2f}", f"{max(found.speedups):.2f}"
    return least if len(found.speedups) == 1 else f"{least} to {most}"


def of_spread(named: Sequence[tuple[str, ComparisonRecord]]) -> str | None:
    """What those ranges are, and the page faults that go with them."""
    there = [(name, r, r.as_given) for name, r in named if r.as_given is not None]
    if not there:
        return None
    counts = sorted({len(given.speedups) for _, _, given in there})
    of = "a single process, a block"
    if counts != [1]:
        several = " or ".join(map(str, counts))
        of = f"the lowest and the highest of {several} processes, a block each"
    said = f"{AS_GIVEN[0].upper()}{AS_GIVEN[1:]}: {of}"
    faults = [
        (name, r, given, _of_processes(given.faults[r.baseline], given))
        for name, r, given in there
        if given.faults is not None
    ]
    most = max(faults, key=lambda found: max(found[3]), default=None)
    if most is None or max(most[3]) < MANY_FAULTS:
        return f"{said}."
    name, record, given, original = most
    assert given.faults is not None
    variant = _of_processes(given.faults[record.variant], given)
    kept = per_run(record, record.baseline)
    beside = "" if kept is None else f", and {_count(kept)} where memory is kept"
    return (
        f"{said}; pages that were given back are cleared by the kernel before they are used again:"
        f" a run of {name}'s {record.baseline} met {_range(original)} page faults{beside}, one of"
        f" the variant {_range(variant)}."
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
        f"above the {predicted:.2f} that operations predict: a run of {ways.the(record.baseline)}"
        f" met {_count(before)} page faults, one of the variant {_count(after)}, and memory that"
        f" the kernel clears takes time that no operation counts"
        f"{' (without --memory system it is left out)' if given else ''}"
    )


def records_graph(record: ComparisonRecord, way: str) -> bool | None:
    """Whether its runs keep tensors for a backward pass; None where nobody looked."""
    found = record.memory_parts and record.memory_parts.get(way)
    return found.saved > 0 if found else None


def graph_spared(record: ComparisonRecord) -> bool:
    """The original's runs were seen to keep tensors for a backward pass, the variant's none."""
    original, variant = (records_graph(record, way) for way in (record.baseline, record.variant))
    return original is True and variant is False


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


def _range(values: Sequence[float]) -> str:
    least, most = _count(min(values)), _count(max(values))
    return least if least == most else f"{least} to {most}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def less(before: float, after: float) -> str:
    """How much smaller the second is, or larger, where two digits show it."""
    times = before / after if after else 1.0
    if round(times, 2) == 1:
        return ""
    return f", {times:.2f} times less" if times > 1 else f", {1 / times:.2f} times more"
