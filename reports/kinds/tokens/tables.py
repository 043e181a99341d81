"""From records of attacks on token sequences to tables. Pure.

For each language model and setting: what a step costs, what its memory is made of, and what became
of the prompts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from bench.kinds.tokens.findings import TokenFindings
from bench.kinds.tokens.options import TokenOptions
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.reading import models, predicted, promises
from reports.reading.words import variant_spelt
from reports.table import Table
from reports.tables import cells, portions
from semibackward_bench.grammar import counted


def findings(record: ComparisonRecord) -> TokenFindings | None:
    """What a comparison found out about its model and its prompts; None if it did not come so
    far."""
    return record.findings if isinstance(record.findings, TokenFindings) else None


def of(run: Run, records: Sequence[ComparisonRecord]) -> Iterator[Table]:
    """Three tables for each language model, number of prompts and variant.

    Args:
        run: what was measured.
        records: its comparisons of this kind.
    """
    groups: dict[tuple[object, ...], list[ComparisonRecord]] = {}
    for record in records:
        case, prompts = record.case, TokenOptions.of(record.case).prompts
        key = (record.variant, case.model, case.batch, prompts, case.dtype, case.device)
        groups.setdefault((*key, record.baseline), []).append(record)
    for group in groups.values():
        named = list(zip(_names(group), group, strict=True))
        yield _speedups(named, run)
        if any(record.memory_parts for record in group):
            yield _memory(named)
        if any(findings(record) for record in group):
            yield _prompts(named)


def cells_of(record: ComparisonRecord) -> dict[str, object]:
    """What a comparison found, in plain cells; losses are means over the prompts."""
    found = findings(record)
    if found is None or not found.prompts:
        return {}
    count = len(found.prompts)
    return {
        "parameters": found.parameters,
        "weights_bytes": found.weights,
        "vocabulary": found.vocabulary,
        "sequences_tried": sum(prompt.candidates for prompt in found.prompts),
        "loss_first": sum(prompt.first_loss for prompt in found.prompts) / count,
        "loss_last": sum(prompt.last_loss for prompt in found.prompts) / count,
    }


def reason(record: ComparisonRecord) -> str | None:
    """How much of a step the backward pass is, next to which every candidate is passed forward."""
    tried = TokenOptions.of(record.case).candidates
    if tried is None or (record.gradients or {}).get("call") != "backward":
        return None
    return (
        f"a step has one backward pass, and {counted(tried, 'candidate')} that only pass forward:"
        " the fewer these are, the more it gains"
    )


def _names(group: Sequence[ComparisonRecord]) -> list[str]:
    """The attacks of a table: with their libraries where there are several, and with what they may
    spend where one of them stands there several times."""
    cases = [record.case for record in group]
    several = len({case.library for case in cases}) > 1
    short = [f"{case.library} {case.attack}" if several else case.attack for case in cases]
    meant = Counter(short)
    return [
        ", ".join([name, *TokenOptions.of(case).settings()] if meant[name] > 1 else [name])
        for name, case in zip(short, cases, strict=True)
    ]


def _title(record: ComparisonRecord) -> str:
    case = record.case
    return (
        f"{models.name(case)}, {counted(case.batch, 'prompt')}, {case.dtype}, {case.device}:"
        f" {variant_spelt(record.variant)} against {record.baseline}"
    )


def _speedups(named: Sequence[tuple[str, ComparisonRecord]], run: Run) -> Table:
    records = [record for _, record in named]
    first = records[0]
    intervals = cells.interval_names(record.speedup for record in records)
    more = portions.optional(records, run)
    return Table(
        f"A step on {_title(first)}",
        (
            "attack",
            "asks by",
            f"{variant_spelt(first.baseline)} (s a step)",
            variant_spelt(first.variant),
            "speedup",
            cells.interval_head(intervals),
            "verdict",
            "by FLOPs",
            "share of the ceiling",
            *(name for name, _ in more),
            "parameter gradients",
            "token sequences",
        ),
        tuple(
            (
                name,
                str((r.gradients or {}).get("call", "-")),
                portions.seconds(r, r.baseline),
                portions.seconds(r, r.variant),
                cells.speedup(r),
                cells.interval(r, intervals),
                promises.verdict(r),
                predicted.cell(predicted.by_flops(r)),
                portions.share(r),
                *(cell(r) for _, cell in more),
                cells.gradients(r),
                cells.equality(r),
            )
            for name, r in named
        ),
        tuple(_notes(named, run)),
    )


def _notes(named: Sequence[tuple[str, ComparisonRecord]], run: Run) -> Iterable[str]:
    records = [record for _, record in named]
    yield from portions.notes(named, run)
    yield "Seconds a step: the median of the timed runs over the prompts and steps of a run."
    spent = [(name, ", ".join(TokenOptions.of(r.case).settings())) for name, r in named]
    for told, names in cells.by_whom(spent).items():
        yield f"{', '.join(names)}: {told}."
    yield from portions.last_notes(records)


def _memory(named: Sequence[tuple[str, ComparisonRecord]]) -> Table:
    first = named[0][1]
    return Table(
        f"Peak memory on {_title(first)}",
        (
            "attack",
            "weights (MB)",
            "peak (MB)",
            "of the original's",
            "with the weights",
            "saved for the backward pass (MB)",
            "parameter gradients (MB)",
            "rest (MB)",
        ),
        tuple(
            (
                name,
                _weights(record),
                cells.peak(record),
                _ratio(record, 0),
                _ratio(record, _besides(record)),
                *(_part(record, part) for part in ("saved", "gradients", "rest")),
            )
            for name, record in named
            if record.memory_parts is not None
        ),
        tuple(f"Peak: {what}." for what in _whats(record for _, record in named)),
    )


def _whats(records: Iterable[ComparisonRecord]) -> Iterable[object]:
    """What peaks are, in words, each once."""
    told = (record.memory.get("what") for record in records if record.memory is not None)
    return dict.fromkeys(filter(None, told))


def _weights(record: ComparisonRecord) -> str:
    found = findings(record)
    return "-" if found is None else cells.megabytes(found.weights)


def _ratio(record: ComparisonRecord, besides: int | None) -> str:
    """The variant's peak of the original's, both with so many bytes besides."""
    if record.memory is None or besides is None:
        return "-"
    before, after = (int(record.memory[way]) for way in (record.baseline, record.variant))
    return f"{100 * (after + besides) / (before + besides):.0f} %" if before else "-"


def _besides(record: ComparisonRecord) -> int | None:
    """Bytes of the weights, where the peak does not hold them already; None if nobody told."""
    found, parts = findings(record), record.memory_parts
    if found is None or parts is None:
        return None
    return 0 if parts[record.baseline].before >= found.weights else found.weights


def _part(record: ComparisonRecord, part: str) -> str:
    parts = record.memory_parts
    if parts is None:
        return "-"
    found = [getattr(parts[way], part) for way in (record.baseline, record.variant)]
    return " → ".join("-" if count is None else cells.megabytes(count) for count in found)


def _prompts(named: Sequence[tuple[str, ComparisonRecord]]) -> Table:
    first = named[0][1]
    rows = [
        (
            name,
            str(prompt.line),
            f"{prompt.tokens} + {TokenOptions.of(record.case).suffix} + {prompt.target}",
            str(prompt.steps),
            str(prompt.candidates or "-"),
            f"{prompt.first_loss:.4f} → {prompt.last_loss:.4f}",
            prompt.suffix,
        )
        for name, record in named
        if (found := findings(record)) is not None
        for prompt in found.prompts
    ]
    return Table(
        f"What became of the prompts on {_title(first)}",
        (
            "attack",
            "line",
            "tokens: prompt + suffix + answer",
            "steps",
            "sequences tried",
            "loss, first step → last",
            "suffix at the end",
        ),
        tuple(rows),
        tuple(_about(record for _, record in named)),
    )


def _about(records: Iterable[ComparisonRecord]) -> Iterator[str]:
    there = list(records)
    known = [found for record in there if (found := findings(record)) is not None]
    random = any(record.case.weights == "random" for record in there)
    for victim, parameters in dict.fromkeys((f.victim, f.parameters) for f in known):
        yield f"Victim: {victim}{'' if random else f' ({_many(parameters)})'}."
    if random:
        yield (
            "A model of random weights tells what a step costs, and nothing of what any model can"
            " be made to say."
        )


def _many(parameters: int) -> str:
    return counted(f"{parameters:,}", "parameter")
