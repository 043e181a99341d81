"""What a step of an energy attack costs, with and without the trick, beside its ceilings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bench.cases import SEMI_BACKWARD
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.kinds.energy.measures import findings, names, place, where
from reports.reading import models, predicted, promises
from reports.reading.words import variant_spelt
from reports.table import Table
from reports.tables import cells, portions
from semibackward_bench.grammar import counted


def of(run: Run, records: Sequence[ComparisonRecord]) -> Iterator[Table]:
    """A table for each variant, batch and data: a row for each network and method."""
    groups: dict[tuple[object, ...], list[ComparisonRecord]] = {}
    for record in records:
        key = (record.variant, record.case.batch, *place(record.case))
        groups.setdefault(key, []).append(record)
    for group in groups.values():
        networks = list(dict.fromkeys(record.case.model for record in group))
        yield _table(sorted(group, key=lambda record: networks.index(record.case.model)), run)


def by_passes(record: ComparisonRecord) -> float | None:
    """The speedup that counting passes predicts, where a forward pass, its output gradients and its
    parameter gradients take equally long (F = D = W; Bu 2022, section 4.4): (1 + 2b) / (1 + b) for
    b backward passes a step; None where nobody told how many these are."""
    found = findings(record)
    if found is None or record.variant != SEMI_BACKWARD:
        return None
    return (1 + 2 * found.backwards) / (1 + found.backwards)


def _table(records: Sequence[ComparisonRecord], run: Run) -> Table:
    first = records[0]
    intervals = cells.interval_names(record.speedup for record in records)
    more = portions.optional(records, run)
    labels = names([r.case for r in records])
    named = [
        (f"{label} on {models.name(r.case)}", r) for label, r in zip(labels, records, strict=True)
    ]
    return Table(
        f"A step of energy attacks, {counted(first.case.batch, 'image')} of"
        f" {where(first.case).replace(', images of ', ', ', 1)}:"
        f" {variant_spelt(first.variant)} against {first.baseline}",
        (
            "network",
            "method",
            "original (s a step)",
            variant_spelt(first.variant),
            "speedup",
            cells.interval_head(intervals),
            "verdict",
            "by FLOPs",
            "by passes",
            "share of the ceiling",
            *(name for name, _ in more),
            "perturbed images",
        ),
        tuple(
            (
                models.name(r.case),
                label,
                portions.seconds(r, r.baseline),
                portions.seconds(r, r.variant),
                cells.speedup(r),
                cells.interval(r, intervals),
                promises.verdict(r),
                predicted.cell(predicted.by_flops(r)),
                predicted.cell(by_passes(r)),
                portions.share(r),
                *(cell(r) for _, cell in more),
                cells.equality(r),
            )
            for label, r in zip(labels, records, strict=True)
        ),
        tuple(_notes(named, run)),
    )


def _notes(named: Sequence[tuple[str, ComparisonRecord]], run: Run) -> Iterable[str]:
    records = [record for _, record in named]
    yield from portions.notes(named, run)
    yield "Seconds a step: the median of the timed runs over the steps of a run."
    if any(by_passes(record) is not None for record in records):
        yield (
            "By passes: (1 + 2b) / (1 + b) for b backward passes a step, as if a forward pass, its"
            " output gradients and its parameter gradients took equally long (Bu 2022, section"
            " 4.4). The share is of the ceiling by FLOPs."
        )
    yield from portions.last_notes(records)
