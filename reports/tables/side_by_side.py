"""Several runs beside each other: machines, torch versions, library versions. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from bench.cases import Case
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics.estimate import Speedup
from reports.reading import averages, energy, levels, naming, numbers, places, promises, ways
from reports.reading.machines import slots
from reports.reading.places import Place
from reports.table import Table
from reports.tables import cells

Key = tuple[Case, str]
Rows = dict[Key, dict[str, ComparisonRecord]]


def of(runs: Sequence[Run]) -> list[Table]:
    """A table for each variant, of the cases that several places measured, a column a place.

    Two places also get the ratio of their speedups. None if no case was measured twice.
    """
    columns = places.of(runs)
    found: Rows = {}
    for place in columns:
        for record, _ in place.comparisons:
            found.setdefault(places.asked(record), {})[place.label] = record
    shared = {key: by_place for key, by_place in found.items() if len(by_place) > 1}
    variants = dict.fromkeys(variant for _, variant in shared)
    return [
        _table({key: row for key, row in shared.items() if key[1] == variant}, columns)
        for variant in variants
    ]


def _table(rows: Rows, columns: Sequence[Place]) -> Table:
    there = [place for place in columns if any(place.label in row for row in rows.values())]
    labels = [place.label for place in there]
    name = naming.of([case for case, _ in rows])
    records = [record for row in rows.values() for record in row.values()]
    first = records[0]
    named = [
        (f"{name(case)}, {label}", record)
        for (case, _), row in rows.items()
        for label, record in row.items()
    ]
    mixed = len(cells.interval_names(record.speedup for record in records)) > 1
    two = len(labels) == 2
    metered = [
        label
        for label in labels
        if any(label in row and energy.ratio(row[label]) is not None for row in rows.values())
    ]
    header = [
        "case",
        *labels,
        *([f"{labels[1]} over {labels[0]}"] if two else []),
        *(f"parameter gradients, {label}" for label in labels),
        *(f"{energy.RATIO}, {label}" for label in metered),
    ]
    drawn = [
        (
            name(case),
            *(_speedup(row.get(label), mixed) for label in labels),
            *([_over(row.get(labels[0]), row.get(labels[1]), mixed)] if two else []),
            *(_gradients(row.get(label)) for label in labels),
            *(_energy(row.get(label)) for label in metered),
        )
        for (case, _), row in rows.items()
    ]
    return Table(
        f"side by side: {ways.spelt(first)} against {first.baseline}{name.common}: speedup",
        tuple(header),
        (*drawn, *_means(rows, there, len(header), mixed)),
        (
            *_notes(name, rows, there),
            *cells.methods(named),
            *energy.notes(records),
            _quadrature(records),
        ),
    )


def _means(
    rows: Rows, there: Sequence[Place], width: int, mixed: bool
) -> Iterable[tuple[str, ...]]:
    """Over the cases that came to a speedup in every place, so that the means compare; each
    level of equality apart, and what they ran on within a place."""
    labels = [place.label for place in there]
    ran_on = {
        place.label: place.machines.apart(
            [row[place.label] for row in rows.values() if place.label in row]
        )
        for place in there
    }
    whole = [
        row
        for row in rows.values()
        if all(label in row and row[label].speedup is not None for label in labels)
    ]
    alike: dict[tuple[tuple[str, str], ...], list[dict[str, ComparisonRecord]]] = {}
    for row in whole:
        key = tuple((levels.word(row[label]), ran_on[label](row[label])) for label in labels)
        alike.setdefault(key, []).append(row)
    for group in alike.values():
        if len(group) < 2:
            continue
        found = [
            mean
            for label in labels
            for mean in averages.of((row[label] for row in group), ran_on[label])
        ]
        means = [
            ", ".join(
                filter(
                    None,
                    (numbers.with_interval(mean.geometric, named=mixed), mean.level, mean.ran_on),
                )
            )
            for mean in found
        ]
        over = []
        if len(found) == 2:
            ratio = _ratio(found[0].geometric, found[1].geometric)
            over = [numbers.with_interval(ratio, named=mixed)]
        drawn = (f"geometric mean of {len(group)}", *means, *over)
        yield (*drawn, *["-"] * (width - len(drawn)))


def _speedup(record: ComparisonRecord | None, mixed: bool) -> str:
    if record is None:
        return "-"
    if record.speedup is None:
        return record.status
    told = levels.beside(numbers.with_interval(record.speedup, named=mixed), record)
    return f"{told}, {promises.verdict(record)}"


def _over(first: ComparisonRecord | None, second: ComparisonRecord | None, mixed: bool) -> str:
    if first is None or second is None or first.speedup is None or second.speedup is None:
        return "-"
    return numbers.with_interval(_ratio(first.speedup, second.speedup), named=mixed)


def _ratio(first: Speedup, second: Speedup) -> Speedup:
    """The second speedup over the first; half-widths of independent logarithms in quadrature."""
    estimate = second.estimate / first.estimate
    half = math.hypot(first.half_width, second.half_width)
    known = math.isfinite(half)
    return Speedup(
        estimate,
        estimate * math.exp(-half) if known else None,
        estimate * math.exp(half) if known else None,
        first.confidence,
        min(first.processes, second.processes),
        min(first.blocks, second.blocks),
        averages.stands_for((first, second), "half-widths of both logarithms in quadrature"),
    )


def _gradients(record: ComparisonRecord | None) -> str:
    found = record and record.gradients
    if record is None or not found:
        return "-"
    return f"{found[record.baseline]} → {found[record.variant]}"


def _energy(record: ComparisonRecord | None) -> str:
    return "-" if record is None else energy.ratio_cell(record)


def _notes(name: naming.Namer, rows: Rows, there: Sequence[Place]) -> Iterable[str]:
    for place in there:
        environment = place.runs[0].environment
        files = places.listed([journal.path.name for journal in place.journals])
        versions = {
            f"{row[place.label].case.library} {row[place.label].case.library_version}"
            for row in rows.values()
            if place.label in row and row[place.label].case.library_version
        }
        told = f"; {', '.join(sorted(versions))}" if versions else ""
        told += "".join(f"; {found}" for run in place.runs if (found := slots(run.environment)))
        yield (
            f"{place.label}: {', '.join(places.machines(environment))},"
            f" torch {environment.torch['version']},"
            f" Python {environment.python}, {environment.created[:10]}{told} ({files})."
        )
        named = [
            (f"{name(case)}, {place.label}", row[place.label])
            for (case, _), row in rows.items()
            if place.label in row
        ]
        yield from place.machines.notes(named, place.label)
    for (case, _), row in rows.items():
        for label, record in row.items():
            if record.status != "ok":
                yield f"{name(case)}, {label}: {record.status}: {record.reason}."


def _quadrature(records: Iterable[ComparisonRecord]) -> str:
    more = ", so that the next runs' lie in them" if averages.of_next_run(records) else ""
    return (
        "A ratio of speedups, and a mean, take the errors of the measurements to be independent:"
        f" half-widths of the logarithms in quadrature{more}."
    )
