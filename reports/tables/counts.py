"""From counts to a table: a row a case, original → variant. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bench.cases import Case
from bench.records.reading import Run
from bench.records.types import CountsRecord
from bench.statistics.counts import Counts
from reports.reading import causes, kind, models, ways
from reports.table import Table
from reports.tables.cells import megabytes


def of(run: Run) -> list[Table]:
    """The tables of one run's counts: one for each model, size and variant."""
    groups: dict[tuple[object, ...], list[CountsRecord]] = {}
    for record in run.counts:
        case = record.case
        told = kind.of(case)
        alike = (case.kind, case.model, told.size(case), told.setting(case), told.family(case))
        groups.setdefault((ways.called(record), *alike, case.dtype, case.device), []).append(record)
    return [_table(group) for group in groups.values()]


def _table(records: Sequence[CountsRecord]) -> Table:
    first = records[0]
    case = first.case
    told = kind.of(case)
    return Table(
        f"What one run does{models.on(case)}, {told.size(case)}{told.setting(case)},"
        f" {case.dtype}, {case.device}: {first.baseline} → {ways.spelt(first)}",
        (
            "case",
            "status",
            "gradient calls",
            "parameter gradients",
            f"passes {told.each}, forward + backward",
            "operations (1e9)",
            "saved (MB)",
            ".grad (MB)",
            "kernel calls",
            "values to the host",
        ),
        tuple(_row(record) for record in records),
        tuple(_notes(records)),
    )


def _row(record: CountsRecord) -> tuple[str, ...]:
    return (
        _name(record),
        record.status,
        _each(record, lambda c: c.calls if c.calls is None else _calls(c.calls)),
        _each(record, _computed),
        _each(record, lambda c: _passes(c, record.case)),
        _each(record, lambda c: c.forward_flops and _billions(c)),
        _each(record, lambda c: c.saved is not None and megabytes(c.saved)),
        _each(record, lambda c: c.gradients is not None and megabytes(c.gradients)),
        _each(record, _kernels),
        _each(record, lambda c: sum(c.host.values())),
    )


def _name(record: CountsRecord) -> str:
    return ", ".join([record.case.what, *models.apart(record.case)])


def _each(record: CountsRecord, cell: Callable[[Counts], object]) -> str:
    """A cell for both variants; once where they agree."""
    found = [cell(counts) for counts in record.counts.values()]
    told = ["-" if value is None or value is False else str(value) for value in found]
    return " → ".join(dict.fromkeys(told)) or "-"


def _calls(calls: dict[str, int]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in calls.items()) or "none"


def _computed(counts: Counts) -> str | None:
    """The model's parameter gradients, and those of others that nobody reads."""
    if counts.parameter_gradients is None:
        return None
    others = f" + {counts.foreign} of others" if counts.foreign else ""
    return f"{counts.parameter_gradients}{others}"


def _passes(counts: Counts, case: Case) -> str:
    images = counts.forward_images, counts.backward_images
    return " + ".join("-" if one is None else f"{one / case.passing:g}" for one in images)


def _billions(counts: Counts) -> str:
    total = (counts.forward_flops or 0) + (counts.backward_flops or 0)
    return f"{total / 1e9:.3g}"


def _kernels(counts: Counts) -> int | None:
    if counts.forward_kernels is None or counts.backward_kernels is None:
        return None
    return sum(counts.forward_kernels.values()) + sum(counts.backward_kernels.values())


def _notes(records: Iterable[CountsRecord]) -> Iterable[str]:
    said: dict[str, list[str]] = {}
    for record in records:
        seen = causes.counted(record.observed, record.baseline)
        for text in [*([record.reason] if record.reason else []), *seen, *record.warnings]:
            said.setdefault(text.rstrip("."), []).append(_name(record))
    for text, names in said.items():
        yield f"{', '.join(names)}: {text}."
