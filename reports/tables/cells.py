"""Cells and notes that tables of comparisons have in common, as plain text. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics import doubts
from bench.statistics.components import BETWEEN_SPEEDUP
from bench.statistics.estimate import CONFIDENCE, FEW_PROCESSES, Speedup
from reports.reading import averages, levels, memory, numbers, preparation, promises
from reports.reading.machines import Machines, host
from reports.reading.why import why
from reports.reading.words import WITHIN
from semibackward_bench.grammar import counted

MOST_NAMED = 4
"""Cases that a note on intervals names; of more it tells how many there are."""


def notes(columns: Iterable[tuple[str, ComparisonRecord]], run: Run) -> Iterable[str]:
    """What is to say of the columns; what is to say of several is said once."""
    said = by_whom(
        (name, text)
        for name, record in columns
        for text in (
            why(record, run.environment),
            levels.sentence(record),
            *preparation.sentences(record),
            *record.warnings,
        )
        if text
    )
    return [f"{', '.join(names)}: {text}." for text, names in said.items()]


def by_whom(told: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Sentences, each once and without its full stop, with whom they are said of.

    Args:
        told: a name, and what is said of it.
    """
    said: dict[str, list[str]] = {}
    for name, text in told:
        names = said.setdefault(text.rstrip("."), [])
        if name not in names:
            names.append(name)
    return said


def circumstances(columns: Sequence[tuple[str, ComparisonRecord]], run: Run) -> Iterable[str]:
    """What workers did with memory, and what it did to times; and who worked beside them."""
    told = [memory.of_spread(columns), memory.sentence(run.environment)]
    return [*filter(None, told), *Machines(run.environment).notes(columns)]


def methods(columns: Iterable[tuple[str, ComparisonRecord]]) -> Iterable[str]:
    """What the intervals stand for, and verdicts that hold for one process alone."""
    said: dict[str, list[str]] = {}
    records = []
    for name, record in columns:
        records.append(record)
        if record.speedup is not None:
            told = f"{record.speedup.method}{_advice(record, record.speedup)}"
            said.setdefault(told, []).append(name)
    most = max(said, key=lambda told: len(said[told]), default="")
    for told, names in sorted(said.items(), key=lambda item: item[0] == most):
        whose = "" if len(said) == 1 else " of the others" if told == most else _of(names)
        yield f"Intervals{whose}: {told}."
    if any(map(promises.only_here, records)):
        yield (
            f'A verdict "{promises.ONLY_HERE}" may be another in the next one: speedups differ'
            f" between processes by about {100 * BETWEEN_SPEEDUP:g} % (standard deviation)."
        )


def _of(names: Sequence[str]) -> str:
    told = ", ".join(names) if len(names) <= MOST_NAMED else f"{len(names)} of these"
    return f" of {told}"


def _advice(record: ComparisonRecord, found: Speedup) -> str:
    """Why an interval is as wide as it is for having few processes, as far as the record tells.

    What a warning of the record says of them is not said again.
    """
    warned = any(doubts.TELLS_MORE in text for text in record.warnings)
    if found.processes == 1:
        level = f"{100 * found.confidence:g} %"
        outside = f"; a fresh process may lie outside: --processes {FEW_PROCESSES}"
        return f", at {level}{'' if warned else outside}"
    if found.processes >= FEW_PROCESSES or warned:
        return ""
    few = f"; wide, with only {counted(found.processes, 'process', 'processes')}"
    if found.processes < len(set(record.processes)):
        return f"{few} that had a calm block: ask for more, on a quiet machine"
    if record.stop_reason == "budget":
        return f"{few} within --max-seconds: give it more"
    return f"{few}: --processes {FEW_PROCESSES}"


def averaged(records: Iterable[ComparisonRecord], machines: Machines) -> str:
    """What the means are of, and what the interval of the geometric one stands for.

    Args:
        records: what they are of.
        machines: what is known of where these ran.
    """
    records = [record for record in records if record.speedup is not None]
    more = ", so that the next run's mean lies in it" if averages.of_next_run(records) else ""
    there = levels.words_of(records)
    apart = " No mean mixes levels of equality."
    if set(there) <= {"", levels.ROUNDING}:
        apart = " No mean mixes outputs that are identical with some that differ."
    apart = apart if len(there) > 1 else ""
    hosts: dict[str, set[str]] = {}
    for record in records:
        hosts.setdefault(machines.model(record), set()).add(host(record))
    if len(hosts) > 1:
        apart += " No mean mixes models of GPUs, or of processors."
    if (most := max(map(len, hosts.values()), default=0)) > 1:
        apart += f" A mean takes in cases of up to {counted(most, 'machine')} with the same model."
    return (
        "Means: over the cases that came to a speedup; the interval of the geometric one is of the"
        f" mean of these very cases, their errors added in quadrature{more}; papers print the"
        f" arithmetic one.{apart}"
    )


def seconds(record: ComparisonRecord, variant: str) -> str:
    if not record.seconds or record.speedup is None:
        return "-"
    return numbers.seconds(record.seconds[variant])


def speedup(record: ComparisonRecord) -> str:
    return levels.beside(numbers.ratio(record.speedup), record)


def interval_names(found: Iterable[Speedup | None]) -> list[str]:
    """What the intervals of these are called: several names where some are of a single process."""
    names = dict.fromkeys(numbers.interval_name(one) for one in found if one is not None)
    return list(names) or [f"{100 * CONFIDENCE:g} % interval"]


def interval_head(names: Sequence[str]) -> str:
    """The head of a column of intervals with these names; with several, each cell tells its own."""
    return _headed(names[0]) if len(names) == 1 else "interval"


def _headed(name: str) -> str:
    """What stands over intervals of one name."""
    return f"interval {name}" if name == WITHIN else name


def interval_words(names: Sequence[str]) -> str:
    """What intervals with these names are, within a sentence."""
    if WITHIN not in names:
        return names[0]
    if len(names) == 1:
        return _headed(WITHIN)
    others = " or ".join(name for name in names if name != WITHIN)
    return f"{others}, or where it says so its interval {WITHIN}"


def interval(record: ComparisonRecord, names: Sequence[str]) -> str:
    """The cell of such a column."""
    told = numbers.interval(record.speedup)
    if record.speedup is None or record.speedup.low is None or len(names) == 1:
        return told
    return f"{told}, {numbers.interval_name(record.speedup)}"


def interval_rows(
    records: Sequence[ComparisonRecord], names: Iterable[str]
) -> Iterator[tuple[str, Iterable[str]]]:
    """Rows of intervals, one for each name, where a record is a column."""
    for name in names:
        yield (
            _headed(name),
            [
                numbers.interval(r.speedup)
                if r.speedup is not None and numbers.interval_name(r.speedup) == name
                else "-"
                for r in records
            ],
        )


def equality(record: ComparisonRecord) -> str:
    return "-" if record.equality is None else levels.spelt(record.equality)


def gradients(record: ComparisonRecord) -> str:
    found = record.gradients
    return "-" if found is None else f"{found[record.baseline]} → {found[record.variant]}"


def peak(record: ComparisonRecord) -> str:
    found = record.memory
    if found is None:
        return "-"
    return " → ".join(megabytes(int(found[name])) for name in (record.baseline, record.variant))


def megabytes(count: int) -> str:
    """With as many digits as are worth reading."""
    megabytes = count / 1e6
    return f"{megabytes:.{max(0, 2 - int(math.log10(max(megabytes, 1))))}f}"
