"""Tables with a column a case, like the paper's, as plain text cells. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence

from bench.cases import A_A, Case
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics.estimate import Speedup
from reports.reading import (
    averages,
    energy,
    kind,
    levels,
    memory,
    models,
    numbers,
    predicted,
    preparation,
    promises,
    ways,
)
from reports.reading import published as papers
from reports.reading.averages import Average
from reports.reading.machines import GPU, HOST, PROCESSOR, Machines
from reports.reading.published import Published
from reports.table import Table
from reports.tables import cells

MANY_COLUMNS = 8
SMALLEST = "smallest effect told apart"
PUBLISHED = "published speedup"
OVER_PUBLISHED = "ours over published"
_OPTIONAL = (
    HOST,
    GPU,
    PROCESSOR,
    memory.AS_GIVEN,
    SMALLEST,
    PUBLISHED,
    OVER_PUBLISHED,
    predicted.BY_BYTES,
    energy.RUN,
    energy.RATIO,
    preparation.PREPARED,
    "- saved activations",
    "- .grad buffers",
    "largest batch",
    "limited by",
)
"""Rows that are left out where no column has anything to tell."""


def of(records: Sequence[ComparisonRecord], run: Run) -> Iterator[Table]:
    """Tables with a column a library, as in the paper's first table.

    Cases that differ in more than the library come in tables of their own, unless there is one
    library only: then what varies most gets the columns.

    Args:
        records: some comparisons of the run.
        run: what they are of.
    """
    if not records:
        return
    column = column_axis([record.case for record in records])
    groups: dict[tuple[object, ...], list[ComparisonRecord]] = {}
    for record in records:
        groups.setdefault((ways.called(record), *in_common(record.case, column)), []).append(record)
    for group in groups.values():
        for start in range(0, len(group), MANY_COLUMNS):
            whole = group if start + MANY_COLUMNS >= len(group) else []
            yield _table(group[start : start + MANY_COLUMNS], column, run, whole)


_AXES: dict[str, Callable[[Case], object]] = {
    "library": lambda case: case.library,
    "batch": lambda case: case.batch,
    "model": lambda case: case.model,
    "attack": lambda case: case.attack,
    "rest": lambda case: (case.options, case.dtype, case.device, case.weights),
}


def column_axis(cases: Sequence[Case]) -> str:
    """What gets the columns: the library, or else what varies most."""

    def values(name: str) -> int:
        return len({_AXES[name](case) for case in cases})

    if values("library") > 1:
        return "library"
    most = max(("attack", "model", "batch"), key=values)
    alone = values(most) == 1 and cases[0].library != kind.USER
    return "library" if alone else most


def _table(
    records: Sequence[ComparisonRecord],
    column: str,
    run: Run,
    averaged: Sequence[ComparisonRecord],
) -> Table:
    """A column for each record, and for the average of those that are averaged, if several."""
    first = records[0]
    names = [column_name(record.case, column) for record in records]
    named = list(zip(names, records, strict=True))
    suite = run.environment.suite
    published = [papers.of(record, suite) for record in records]
    intervals = [record.speedup for record in records]
    averages_: dict[str, dict[str, str]] = {}
    machines = Machines(run.environment)
    ran_on = machines.apart(averaged)
    for mean in averages.of(averaged, ran_on):
        if mean.count > 1:
            alike = [r for r in averaged if ran_on(r) == mean.ran_on]
            averages_ |= _average_columns(mean, alike, run)
            intervals.append(mean.geometric)
    rows: list[tuple[str, Iterable[str]]] = [
        (f"{first.baseline} (s)", (cells.seconds(r, r.baseline) for r in records)),
        (f"{ways.spelt(first)} (s)", (cells.seconds(r, r.variant) for r in records)),
        ("speedup", (cells.speedup(r) for r in records)),
        *cells.interval_rows(records, cells.interval_names(intervals)),
        (memory.AS_GIVEN, (memory.spread(r.as_given) for r in records)),
        ("verdict", map(promises.verdict, records)),
        (PUBLISHED, (f"{row.speedup:.2f}" if row else "-" for row in published)),
        (OVER_PUBLISHED, map(_over, records, published)),
        (preparation.PREPARED, map(preparation.cell, records)),
        (SMALLEST, (_smallest_effect(r) for r in records)),
        (predicted.BY_FLOPS, (predicted.cell(predicted.by_flops(r)) for r in records)),
        (predicted.BY_BYTES, (predicted.cell(predicted.by_bytes(r)) for r in records)),
        (energy.RUN, map(energy.runs_cell, records)),
        (energy.RATIO, map(energy.ratio_cell, records)),
        (kind.of(first.case).outputs, (cells.equality(r) for r in records)),
        ("gradient call", (str((r.gradients or {}).get("call", "-")) for r in records)),
        ("parameter gradients", (cells.gradients(r) for r in records)),
        ("peak memory (MB)", (cells.peak(r) for r in records)),
        ("- saved activations", (_part(r, "saved") for r in records)),
        ("- .grad buffers", (_part(r, "gradients") for r in records)),
        ("largest batch", (_largest_batch(r) for r in records)),
        ("limited by", (_bound(r) for r in records)),
        *machines.rows(records),
        ("version", (r.case.library_version or "-" for r in records)),
    ]
    drawn = [(name, tuple(row)) for name, row in rows]
    title = titled([record.case for record in records], column)
    return Table(
        f"{title}: {ways.spelt(first)} against {first.baseline}",
        (column, *names, *averages_),
        tuple(
            (name, *row, *(found.get(name, "-") for found in averages_.values()))
            for name, row in drawn
            if name not in _OPTIONAL or _any_told(row)
        ),
        (
            *cells.notes(named, run),
            *cells.methods(named),
            *cells.circumstances(named, run),
            *predicted.notes(records),
            *energy.notes(records),
            *([cells.averaged(averaged, machines)] if averages_ else []),
            *papers.notes(published),
        ),
    )


def _average_columns(
    ours: Average, records: Sequence[ComparisonRecord], run: Run
) -> dict[str, dict[str, str]]:
    """The cells of both means of these records, by the names of their rows."""
    suite = run.environment.suite
    found = [
        papers.of(r, suite)
        for r in records
        if r.speedup is not None and levels.word(r) == ours.level
    ]
    there = [row.speedup for row in found if row is not None]
    geometric = {
        "speedup": numbers.ratio(ours.geometric),
        cells.interval_head([numbers.interval_name(ours.geometric)]): numbers.interval(
            ours.geometric
        ),
    }
    arithmetic = {"speedup": _like(ours.geometric, ours.arithmetic)}
    if len(there) == ours.count:
        means = statistics.geometric_mean(there), statistics.fmean(there)
        geometric[PUBLISHED], arithmetic[PUBLISHED] = (f"{mean:.2f}" for mean in means)
        geometric[OVER_PUBLISHED] = f"{ours.geometric.estimate / means[0]:.2f}"
        arithmetic[OVER_PUBLISHED] = f"{ours.arithmetic / means[1]:.2f}"
    of = "".join(f", {told}" for told in (ours.level, ours.ran_on) if told)
    return {f"geometric mean{of}": geometric, f"arithmetic mean{of}": arithmetic}


def _like(found: Speedup, value: float) -> str:
    """Another mean, with the digits of one that has an interval."""
    return f"{value:.{numbers.decimals(found.half_width)}f}"


def in_common(case: Case, column: str) -> tuple[object, ...]:
    """What cases must agree in to stand in one table."""
    return tuple(axis(case) for name, axis in _AXES.items() if name != column)


def titled(cases: Sequence[Case], column: str) -> str:
    """What the cases of one table have in common; with whatever tells one of them, and so them all,
    from the cases of another table."""
    case = next(filter(models.apart, cases), cases[0])
    return kind.of(case).title(case, column)


def column_name(case: Case, column: str) -> str:
    """What heads a case's column; of a user's attack, the file's name and the function's."""
    named = {"model": models.name, "attack": models.attack}.get(column, _AXES[column])
    return str(named(case))


def _over(record: ComparisonRecord, row: Published | None) -> str:
    if row is None or record.speedup is None:
        return "-"
    return f"{record.speedup.estimate / row.speedup:.2f}"


def _part(record: ComparisonRecord, part: str) -> str:
    found = record.memory_parts
    if found is None:
        return "-"
    return " → ".join(
        cells.megabytes(getattr(found[name], part)) for name in (record.baseline, record.variant)
    )


def _largest_batch(record: ComparisonRecord) -> str:
    found = record.max_batch
    if found is None:
        return "-"
    return " → ".join(
        f"{found.largest[name]}{'' if found.failed[name] else ' or more'}"
        for name in (record.baseline, record.variant)
    )


def _bound(record: ComparisonRecord) -> str:
    return (record.diagnosis and record.diagnosis.bound) or "-"


def _smallest_effect(record: ComparisonRecord) -> str:
    """Of an A/A comparison: beyond what it shows between equals, an effect can be told apart."""
    found = record.speedup
    if record.variant != A_A or found is None or found.low is None or found.high is None:
        return "-"
    effect = math.expm1(max(-math.log(found.low), math.log(found.high)))
    return f"{100 * effect:.1f} %" if effect < 1 else "over 100 %"


def _any_told(row: Iterable[str]) -> bool:
    return any(cell != "-" for cell in row)
