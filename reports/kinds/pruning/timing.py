"""What each stage takes, with and without the trick, beside its ceiling; and what the whole of
finding saliency comes to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.cases import Case
from bench.kinds.pruning.options import WHOLE
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.kinds.pruning import measures
from reports.kinds.pruning.words import (
    inside,
    is_attacked,
    network,
    options,
    place,
    stage,
    stage_rank,
    where,
)
from reports.reading import ceilings, models, numbers, predicted, promises
from reports.reading.words import variant_spelt
from reports.table import Table
from reports.tables import cells, portions
from semibackward_bench.grammar import counted

PARTS = ("attack", "masks", "factors", "closed-form")
"""The stages that finding the saliency of one batch consists of."""


def of(run: Run, records: Sequence[ComparisonRecord]) -> Iterator[Table]:
    """A table for each variant and data, with a row for each stage.

    Args:
        run: what was measured.
        records: its comparisons of stages.
    """
    groups: dict[tuple[object, ...], list[ComparisonRecord]] = {}
    for record in records:
        groups.setdefault((record.variant, *place(record.case)), []).append(record)
    for group in groups.values():
        yield _table(_ordered(group), run)


def family(case: Case) -> tuple[object, ...]:
    """What the stages of one pipeline have in common."""
    return case.model, case.weights, options(case).pretraining, case.batch


def _ordered(group: Sequence[ComparisonRecord]) -> list[ComparisonRecord]:
    """By network and images in the order of their first, and then by stage."""
    families = list(dict.fromkeys(family(record.case) for record in group))

    def rank(record: ComparisonRecord) -> tuple[object, ...]:
        found = options(record.case)
        told = (*stage_rank(record.case.attack), found.percent or 0.0)
        return families.index(family(record.case)), *told, found.inside, found.steps

    return sorted(group, key=rank)


def _table(records: Sequence[ComparisonRecord], run: Run) -> Table:
    first = records[0]
    intervals = cells.interval_names(record.speedup for record in records)
    more = portions.optional(records, run)
    named = [(_name(record.case), record) for record in records]
    variant = variant_spelt(first.variant)
    return Table(
        f"Time by stage, {where(first.case)}: {variant} against {first.baseline}",
        (
            *("network", "images", "stage", "inside"),
            *("original (s)", f"{variant} (s)", "speedup", cells.interval_head(intervals)),
            *("verdict", "by FLOPs", "share of the ceiling"),
            *(name for name, _ in more),
            *("peak (MB)", "outputs"),
        ),
        tuple(
            (
                *(network(r.case), str(r.case.batch), stage(r.case), _inside(r.case)),
                *(portions.seconds(r, name) for name in (r.baseline, r.variant)),
                *(cells.speedup(r), cells.interval(r, intervals), promises.verdict(r)),
                *(predicted.cell(predicted.by_flops(r)), portions.share(r)),
                *(cell(r) for _, cell in more),
                *(cells.peak(r), cells.equality(r)),
            )
            for r in records
        ),
        (
            *_whole_stages(records),
            *_steps(records),
            *_weights(named),
            *portions.notes(named, run),
            *portions.last_notes(records),
        ),
    )


def _name(case: Case) -> str:
    """A row in a sentence."""
    told = (stage(case), inside(case), *models.apart(case))
    words = ", ".join(filter(None, told))
    return f"{words} on {network(case)}, {counted(case.batch, 'image')}"


def _inside(case: Case) -> str:
    """Whose PGD is inside, in a cell; with its steps where they are not usual."""
    if not is_attacked(case):
        return "-"
    found = options(case)
    usual = type(found).__dataclass_fields__["steps"].default
    return (
        found.inside if found.steps == usual else f"{found.inside}, {counted(found.steps, 'step')}"
    )


def _steps(records: Sequence[ComparisonRecord]) -> Iterator[str]:
    """What the column of PGD means."""
    if any(is_attacked(record.case) for record in records):
        usual = type(options(records[0].case)).__dataclass_fields__["steps"].default
        yield (
            "Inside: the library whose PGD attacks, of"
            f" {counted(usual, 'step')} where it is not told."
        )


def _weights(named: Sequence[tuple[str, ComparisonRecord]]) -> Iterator[str]:
    """Where networks' weights come from, and how many of them can be pruned."""
    said: dict[str, dict[str, None]] = {}
    for _, record in named:
        found = measures.findings(record)
        if found is not None:
            told = (
                f"weights {found.weights}; {found.prunable} of its weights and biases can be"
                f" pruned, in {counted(found.layers, 'layer')}"
            )
            said.setdefault(told, {})[network(record.case)] = None
    yield from (f"{', '.join(names)}: {text}." for text, names in said.items())


def _whole_stages(records: Sequence[ComparisonRecord]) -> Iterator[str]:
    """What finding the saliency of one batch comes to: as it was timed, and its parts together."""
    groups: dict[tuple[object, ...], list[ComparisonRecord]] = {}
    for record in records:
        if record.speedup is not None and record.case.attack in (WHOLE, "attack"):
            found = options(record.case)
            key = (*family(record.case), *place(record.case), found.inside, found.steps)
            groups.setdefault(key, []).append(record)
    for group in groups.values():
        first = group[0]
        whole = next((r for r in group if r.case.attack == WHOLE), None)
        parts = _parts(first, records)
        told = list(filter(None, (_as_timed(whole), _together(parts, whole))))
        if told:
            who = f"{network(first.case)}, {counted(first.case.batch, 'image')}"
            steps = counted(options(first.case).steps, "step")
            yield (
                f"The saliency of one batch, {who}, {inside(first.case)}, {steps}:"
                f" {'; '.join(told)}."
            )


def _as_timed(record: ComparisonRecord | None) -> str:
    if record is None:
        return ""
    seconds = [portions.seconds(record, name) for name in (record.baseline, record.variant)]
    if "-" in seconds:
        return ""
    return (
        f"{seconds[0]} s, {seconds[1]} s {variant_spelt(record.variant)}: speedup"
        f" {numbers.with_interval(record.speedup, named=True)}, {promises.verdict(record)}"
    )


def _parts(of: ComparisonRecord, records: Sequence[ComparisonRecord]) -> list[ComparisonRecord]:
    """The stages that it consists of, as far as they were timed."""
    found = []
    for part in PARTS:
        for record in records:
            same = family(record.case) == family(of.case) and record.variant == of.variant
            ours, theirs = options(record.case), options(of.case)
            alike = (ours.inside, ours.steps) == (theirs.inside, theirs.steps)
            if (
                same
                and record.case.attack == part
                and place(record.case) == place(of.case)
                and record.speedup is not None
                and (alike or not is_attacked(record.case))
            ):
                found.append(record)
                break
    return found


def _together(parts: Sequence[ComparisonRecord], whole: ComparisonRecord | None) -> str:
    """The sum of the stages by themselves; nothing where some came to no speedup."""
    if len(parts) < len(PARTS):
        return ""
    sums = []
    for variant in (parts[0].baseline, parts[0].variant):
        found = [ceilings.median(record, variant) for record in parts]
        if None in found:
            return ""
        sums.append(sum(one for one in found if one is not None))
    told = f"{numbers.significant(sums[0])} s and {numbers.significant(sums[1])} s"
    beside = "" if whole is not None else ", and the whole was not timed"
    return f"its stages timed by themselves add up to {told}{beside}"
