"""What a step of an energy attack costs, with and without the trick, beside its ceilings. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence

from bench.cases import A_A, BASELINE, SEMI_BACKWARD
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics import anatomy
from reports.kinds.energy.measures import findings, names, options, place, where
from reports.reading import causes, energy, models, numbers, predicted, promises, shares
from reports.reading.words import variant_spelt
from reports.table import Table
from reports.tables import cells
from semibackward_bench.grammar import counted

NEAR = 0.9
"""Share of its ceiling from which nobody asks why a speedup is not larger."""
_NOT_SEEN = (
    "nothing was observed that tells why; explain takes a step apart, into forward, output"
    " gradients, parameter gradients and the rest"
)


def of(run: Run, records: Sequence[ComparisonRecord]) -> Iterator[Table]:
    """A table for each variant, batch and data: a row for each network and method."""
    groups: dict[tuple[object, ...], list[ComparisonRecord]] = {}
    for record in records:
        key = (record.variant, record.case.batch, *place(record.case))
        groups.setdefault(key, []).append(record)
    for group in groups.values():
        networks = list(dict.fromkeys(record.case.model for record in group))
        yield _table(sorted(group, key=lambda record: networks.index(record.case.model)), run)


def a_step(record: ComparisonRecord, variant: str) -> list[float]:
    """Seconds a step of every timed run of a variant."""
    return [seconds / options(record.case).steps for seconds in record.seconds.get(variant, ())]


def median_step(record: ComparisonRecord, variant: str) -> float | None:
    """Their median; None without a speedup, for then nothing vouches for them."""
    found = a_step(record, variant)
    return statistics.median(found) if found and record.speedup is not None else None


def by_passes(record: ComparisonRecord) -> float | None:
    """The speedup that counting passes predicts, where a forward pass, its output gradients and its
    parameter gradients take equally long (F = D = W; Bu 2022, section 4.4): (1 + 2b) / (1 + b) for
    b backward passes a step; None where nobody told how many these are."""
    found = findings(record)
    if found is None or record.variant != SEMI_BACKWARD:
        return None
    return (1 + 2 * found.backwards) / (1 + found.backwards)


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
    seen = "; ".join(_observed(record)) or _NOT_SEEN
    return f"{100 * share:.0f} % of its ceiling by FLOPs: {seen}"


def _observed(record: ComparisonRecord) -> Iterator[str]:
    split = shares.of(record)
    if split is not None and (most := anatomy.ceiling_by_time(split)) is not None:
        yield (
            f"of a step's time, parameter gradients take {100 * (1 - 1 / most):.0f} % and what is"
            f" outside the network {100 * split.overhead:.0f} %, so {most:.2f} is all there is to"
            " gain"
        )
    elif (unknown := shares.unknown(record)) is not None:
        yield unknown
    moved = (record.theory or {}).get("bytes")
    if isinstance(moved, float):
        yield f"its operations read and write {moved:.2f} times as many bytes in the {BASELINE}"
    if (left := causes.no_effect(record) or causes.more(record)) is not None:
        yield left
    bound = record.diagnosis and record.diagnosis.bound
    if bound in ("launch-bound", "synchronisation-bound"):
        yield f"it is {bound}"


def _table(records: Sequence[ComparisonRecord], run: Run) -> Table:
    first = records[0]
    intervals = cells.interval_names(record.speedup for record in records)
    more = [(name, cell) for name, cell in _OPTIONAL if any(cell(r) != "-" for r in records)]
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
                _seconds(r, r.baseline),
                _seconds(r, r.variant),
                cells.speedup(r),
                cells.interval(r, intervals),
                promises.verdict(r),
                predicted.cell(predicted.by_flops(r)),
                predicted.cell(by_passes(r)),
                _share(r),
                *(cell(r) for _, cell in more),
                cells.equality(r),
            )
            for label, r in zip(labels, records, strict=True)
        ),
        tuple(_notes(named, run)),
    )


def _notes(named: Sequence[tuple[str, ComparisonRecord]], run: Run) -> Iterable[str]:
    records = [record for _, record in named]
    yield from cells.notes(named, run)
    said = cells.by_whom((name, text) for name, record in named if (text := short(record)))
    yield from (f"{', '.join(names)}: {text}." for text, names in said.items())
    yield from cells.methods(named)
    yield from cells.memory_notes(named, run)
    yield "Seconds a step: the median of the timed runs over the steps of a run."
    if any(by_passes(record) is not None for record in records):
        yield (
            "By passes: (1 + 2b) / (1 + b) for b backward passes a step, as if a forward pass, its"
            " output gradients and its parameter gradients took equally long (Bu 2022, section"
            " 4.4). The share is of the ceiling by FLOPs."
        )
    yield from predicted.notes(records)
    yield from energy.notes(records)


def _outside(record: ComparisonRecord) -> str:
    split = shares.of(record)
    return "-" if split is None else f"{100 * split.overhead:.1f} %"


_OPTIONAL: tuple[tuple[str, Callable[[ComparisonRecord], str]], ...] = (
    ("by bytes", lambda record: predicted.cell(predicted.by_bytes(record))),
    ("outside the network", _outside),
    ("energy a run (J)", energy.runs_cell),
    (energy.RATIO, energy.ratio_cell),
)
"""Columns that are left out where no row has anything to tell."""


def _seconds(record: ComparisonRecord, variant: str) -> str:
    return "-" if record.speedup is None else numbers.seconds(a_step(record, variant))


def _share(record: ComparisonRecord) -> str:
    share = reached(record)
    return "-" if share is None else f"{100 * share:.0f} %"
