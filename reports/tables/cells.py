"""Cells and notes that tables of comparisons have in common, as plain text. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics.estimate import FEW_PROCESSES
from reports.reading import numbers
from reports.reading.why import why

AVERAGED = (
    "Means: over the cases that came to a speedup; the interval of the geometric one is of the mean"
    " of these very cases, their errors added in quadrature; papers print the arithmetic one."
)


def notes(columns: Iterable[tuple[str, ComparisonRecord]], run: Run) -> Iterable[str]:
    """What is to say of the columns; what is to say of several is said once."""
    said: dict[str, list[str]] = {}
    for name, record in columns:
        sentence = why(record, run.environment)
        for text in ([sentence] if sentence else []) + record.warnings:
            said.setdefault(text.rstrip("."), []).append(name)
    for text, names in said.items():
        yield f"{', '.join(names)}: {text}."


def methods(records: Sequence[ComparisonRecord]) -> Iterable[str]:
    """What the intervals stand for."""
    for method, processes in dict.fromkeys(
        (r.speedup.method, r.speedup.processes) for r in records if r.speedup
    ):
        advice = ""
        if processes == 1:
            advice = f"; a fresh process may lie outside: --processes {FEW_PROCESSES}"
        elif processes < FEW_PROCESSES:
            advice = f"; wide for want of processes: --processes {FEW_PROCESSES}"
        yield f"Intervals: {method}{advice}."


def seconds(record: ComparisonRecord, variant: str) -> str:
    if not record.seconds or record.speedup is None:
        return "-"
    return numbers.seconds(record.seconds[variant])


def speedup(record: ComparisonRecord) -> str:
    return numbers.ratio(record.speedup)


def interval_name(records: Sequence[ComparisonRecord]) -> str:
    confidence = next((r.speedup.confidence for r in records if r.speedup), 0.95)
    return f"{100 * confidence:g} % interval"


def interval(record: ComparisonRecord) -> str:
    return numbers.interval(record.speedup)


def equality(record: ComparisonRecord) -> str:
    found = record.equality
    if found is None:
        return "-"
    if found.bitwise:
        return "identical"
    if found.equal:
        return f"equal to {found.max_abs_diff:.0e}"
    return "differ" if found.max_abs_diff is None else f"differ by {found.max_abs_diff:.2g}"


def gradients(record: ComparisonRecord) -> str:
    found = record.gradients
    return "-" if found is None else f"{found[record.baseline]} → {found[record.variant]}"


def memory(record: ComparisonRecord) -> str:
    found = record.memory
    if found is None:
        return "-"
    return " → ".join(megabytes(int(found[name])) for name in (record.baseline, record.variant))


def megabytes(count: int) -> str:
    """With as many digits as are worth reading."""
    megabytes = count / 1e6
    return f"{megabytes:.{max(0, 2 - int(math.log10(max(megabytes, 1))))}f}"
