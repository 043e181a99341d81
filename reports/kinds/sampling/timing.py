"""What a gradient of N samples costs, with and without the trick, beside its ceilings and the
paper's own seconds; and the memory it takes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bench.cases import BASELINE, SEMI_BACKWARD, Case
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.kinds.sampling import published
from reports.kinds.sampling.measures import findings
from reports.kinds.sampling.published import Row
from reports.kinds.sampling.words import (
    NOISE,
    attacked,
    defended,
    method,
    names,
    options,
    place,
    samples,
    where,
)
from reports.reading import ceilings, models, numbers, predicted, promises
from reports.reading.words import variant_spelt
from reports.table import Table
from reports.tables import cells, portions
from semibackward_bench.grammar import counted

FLAT = 0.05
"""Of the smallest peak: how far others may lie from it where memory is called the same."""

Named = tuple[str, ComparisonRecord]


def of(run: Run, records: Sequence[ComparisonRecord]) -> Iterator[Table]:
    """A table for each variant and data, with a row for each N; and one beside the paper's."""
    groups: dict[tuple[object, ...], list[ComparisonRecord]] = {}
    for record in records:
        groups.setdefault((record.variant, *place(record.case)), []).append(record)
    for group in groups.values():
        ordered = _ordered(group)
        yield _table(ordered, run)
        yield from _beside(ordered)


def _ordered(group: Sequence[ComparisonRecord]) -> list[ComparisonRecord]:
    """By network, defence, attack and images in the order of their first, and then by N."""
    families = list(dict.fromkeys(map(_family, group)))
    return sorted(group, key=lambda r: (families.index(_family(r)), options(r.case).samples))


def _family(record: ComparisonRecord) -> tuple[object, ...]:
    case = record.case
    return case.model, case.weights, options(case).defence, case.attack, _whose(record), case.batch


def _whose(record: ComparisonRecord) -> str:
    return options(record.case).gradient


def by_passes(record: ComparisonRecord) -> float | None:
    """The speedup that counting passes predicts, where a forward pass, its output gradients and its
    parameter gradients take equally long (F = D = W; Bu 2022, section 4.4): N (F + D + W) over
    N (F + D) = 3 / 2 for any N; None where no gradient was taken."""
    found = findings(record)
    if found is None or not found.passes or record.variant != SEMI_BACKWARD:
        return None
    return 3 / 2


def a_sample(record: ComparisonRecord, variant: str) -> float | None:
    """Median seconds of one sample of a gradient; None where there was none."""
    found = ceilings.median(record, variant)
    if found is None or record.case.attack == NOISE:
        return None
    return found / options(record.case).samples


def an_image_and_sample(record: ComparisonRecord, variant: str) -> float | None:
    """The same of one image, so that batches compare."""
    found = a_sample(record, variant)
    return None if found is None else found / record.case.batch


def _table(records: Sequence[ComparisonRecord], run: Run) -> Table:
    first = records[0]
    intervals = cells.interval_names(record.speedup for record in records)
    more = portions.optional(records, run)
    cases = [(r.case, 1) for r in records]
    labels, attacks = (names(cases, called, _batch) for called in (method, attacked))
    named = [
        (f"{label} on {models.name(r.case)}, {counted(r.case.batch, 'image')}", r)
        for label, r in zip(labels, records, strict=True)
    ]
    variant = variant_spelt(first.variant)
    return Table(
        f"A gradient by Monte-Carlo samples, {where(first.case)}: {variant} against"
        f" {first.baseline}",
        (
            *("network", "defence", "attack", "images", "N", "in a pass"),
            *("original (s a gradient)", variant, "speedup", cells.interval_head(intervals)),
            *("verdict", "by FLOPs", "by passes", "share of the ceiling"),
            *("original (s a sample)", f"{variant} (s a sample)"),
            *(name for name, _ in more),
            "peak (MB)",
            "perturbed images",
        ),
        tuple(
            (
                *(models.name(r.case), defended(r.case), attack, str(r.case.batch)),
                *(samples(r.case), _chunk(r)),
                *(portions.seconds(r, r.baseline), portions.seconds(r, r.variant)),
                *(cells.speedup(r), cells.interval(r, intervals), promises.verdict(r)),
                *(predicted.cell(predicted.by_flops(r)), predicted.cell(by_passes(r))),
                portions.share(r),
                *(_seconds(a_sample(r, name)) for name in (r.baseline, r.variant)),
                *(cell(r) for _, cell in more),
                cells.peak(r),
                cells.equality(r),
            )
            for attack, r in zip(attacks, records, strict=True)
        ),
        tuple(_notes(named, run)),
    )


def _batch(case: Case) -> int:
    return case.batch


def _chunk(record: ComparisonRecord) -> str:
    found = findings(record)
    return "-" if found is None else str(found.chunk)


def _seconds(value: float | None) -> str:
    return "-" if value is None else numbers.significant(value)


def _notes(named: Sequence[Named], run: Run) -> Iterable[str]:
    records = [record for _, record in named]
    yield from portions.notes(named, run)
    known = [(name, found) for name, r in named if (found := findings(r)) is not None]
    said = cells.by_whom(
        (name, f"weights {found.weights}; {_passes(found.chunk, found.why)}")
        for name, found in known
    )
    yield from (f"{'; '.join(told)}: {text}." for text, told in said.items())
    yield from memory(records)
    yield (
        "Seconds a gradient: the median of the timed runs over the gradients of a run, of which the"
        " iterative attack takes one a step; a sample's are these over N."
    )
    if any(by_passes(record) is not None for record in records):
        yield (
            "By passes: N (F + D + W) over N (F + D), as if a forward pass, its output gradients"
            " and its parameter gradients took equally long (Bu 2022, section 4.4). The share is of"
            " the ceiling by FLOPs."
        )
    yield from portions.last_notes(records)


def _passes(chunk: int, why: str) -> str:
    return f"{counted(chunk, 'sample')} in a pass{f', {why}' if why else ''}"


def memory(records: Iterable[ComparisonRecord]) -> Iterator[str]:
    """Whether memory grows with N, of cases alike in everything but N that take as many samples in
    a pass; only as their peaks show."""
    groups: dict[tuple[object, ...], list[ComparisonRecord]] = {}
    for record in records:
        found = findings(record)
        if found is not None and record.memory is not None and record.case.attack != NOISE:
            alike = (*_family(record), record.case.dtype, options(record.case).steps(record.case))
            groups.setdefault((*alike, found.chunk), []).append(record)
    for group in groups.values():
        if len({options(record.case).samples for record in group}) > 1:
            yield _flat_or_not(sorted(group, key=lambda record: options(record.case).samples))


def _flat_or_not(group: Sequence[ComparisonRecord]) -> str:
    first = group[0]
    counts = ", ".join(str(options(record.case).samples) for record in group)
    found = findings(first)
    assert found is not None
    said = "; ".join(_of_way(group, way) for way in (first.baseline, first.variant))
    looked = [each for record in group if (each := findings(record)) is not None]
    short = max((one.probed for one in looked if one.probed < one.passes), default=0)
    bound = f" (runs looked into had at most {counted(short, 'pass', 'passes')})" if short else ""
    return (
        f"Memory of {defended(first.case)} on {models.name(first.case)},"
        f" {counted(first.case.batch, 'image')}, {counted(found.chunk, 'sample')} in a pass,"
        f" N = {counts}{bound}: {said}."
    )


def _of_way(group: Sequence[ComparisonRecord], way: str) -> str:
    """How far the peaks of one variant lie apart, and what gradients of parameters are of them."""
    peaks = [int((record.memory or {})[way]) for record in group]
    apart = 100 * (max(peaks) / max(min(peaks), 1) - 1)
    if apart <= 100 * FLAT:
        return f"{way} flat in N, its peaks within {apart:.1f} % of each other"
    kept = [r.memory_parts[way].gradients for r in group if r.memory_parts is not None]
    held = ""
    if len(kept) == len(group) and len(set(kept)) > 1:
        held = f", of which gradients of parameters are {_listed(kept)} MB"
    return (
        f"{way} not flat, its peaks {apart:.0f} % apart (flat: {100 * FLAT:.0f} %):"
        f" {_listed(peaks)} MB{held}"
    )


def _listed(sizes: Iterable[int]) -> str:
    return ", ".join(map(cells.megabytes, sizes))


def _beside(records: Sequence[ComparisonRecord]) -> Iterator[Table]:
    """Seconds an image and sample, beside those of the paper."""
    timed = [
        (record, published.cost(record.case))
        for record in records
        if record.variant == SEMI_BACKWARD and an_image_and_sample(record, BASELINE) is not None
    ]
    there = [row for _, row in timed if row is not None]
    if not there:
        return
    yield Table(
        f"Seconds of one image and sample beside the published ones, {where(timed[0][0].case)}",
        (
            *("network", "defence", "attack", "images", "N", "original", "semi-backward"),
            *("published: one gradient", "an image and sample", "section"),
        ),
        tuple(_beside_row(*pair) for pair in timed),
        (
            "Ours are of another machine and size of image than the published ones; per image and"
            " sample, batches compare.",
            *published.notes(there, [record.case for record, _ in timed]),
        ),
    )


def _beside_row(record: ComparisonRecord, row: Row | None) -> tuple[str, ...]:
    case = record.case
    return (
        models.name(case),
        defended(case),
        attacked(case),
        str(case.batch),
        samples(case),
        *(_seconds(an_image_and_sample(record, name)) for name in (BASELINE, SEMI_BACKWARD)),
        "-" if row is None else str(row.values["printed"]),
        "-" if row is None else _seconds(published.an_image_and_sample(row)),
        "-" if row is None else row.table,
    )
