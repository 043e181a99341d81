"""Accuracy of pruned networks, as they are and under attack, beside how sparse they are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.cases import BASELINE, SEMI_BACKWARD
from bench.kinds.pruning.findings import DENSE, PrunedRecord, ScoredRecord
from bench.records.reading import Run
from bench.statistics import seeds
from reports.kinds.pruning import measures
from reports.kinds.pruning.measures import Pruned, way
from reports.kinds.pruning.words import FINETUNING, attack_head, network, share, where
from reports.reading import numbers
from reports.table import Table
from reports.tables.cells import by_whom
from semibackward_bench.grammar import counted

_VARIANTS = (BASELINE, SEMI_BACKWARD)


@dataclass(frozen=True)
class _Tuned:
    """Seconds of fine-tuning by the way of pruning and the variant, of each network."""

    found: Mapping[tuple[object, ...], list[float]]

    def cell(self, each: Pruned, variant: str) -> str:
        mean = seeds.mean(self.found.get((*way(each.first), variant), ()))
        return "-" if mean is None else numbers.significant(mean.value)


def of(run: Run) -> Iterator[Table]:
    """A table for each data: rows are networks, columns what they were judged by."""
    tuned = _tuned(measures.pruned_lines(run))
    for group in measures.by_place(measures.pruned(run)):
        yield _table(group, tuned)


def narrow(run: Run) -> Iterator[Table]:
    """Accuracy for a terminal, a table for each network."""
    for group in measures.by_place(measures.pruned(run)):
        for key in dict.fromkeys(each.first.case_id for each in group):
            some = [each for each in group if each.first.case_id == key]
            attacks = measures.attacks_of(some)
            if attacks:
                yield Table(
                    f"Accuracy (%) by criterion: {some[0].name}, {where(some[0].case)}",
                    ("pruned", "criterion", *map(attack_head, attacks)),
                    tuple(
                        (each.pruned, each.how, *(_short(each, attack) for attack in attacks))
                        for each in some
                    ),
                    tuple(_networks(some, intervals=False)),
                )


def _short(each: Pruned, attack: str) -> str:
    found = each.accuracy(attack)
    return "-" if found is None else f"{found.value:.1f}"


def _tuned(lines: Iterable[PrunedRecord]) -> _Tuned:
    found: dict[tuple[object, ...], list[float]] = {}
    for line in lines:
        if line.status == "ok" and FINETUNING in line.seconds:
            found.setdefault((*way(line), line.variant), []).append(line.seconds[FINETUNING])
    return _Tuned(found)


def _table(group: Sequence[Pruned], tuned: _Tuned) -> Table:
    attacks = measures.attacks_of(group)
    ways = [v for v in _VARIANTS if any(tuned.cell(each, v) != "-" for each in group)]
    return Table(
        f"Accuracy against sparsity, in percent, on {where(group[0].case)}",
        (
            *("network", "pruned", "criterion", "networks", "images", "sparsity"),
            *map(attack_head, attacks),
            *(f"fine-tuning, {variant} (s)" for variant in ways),
        ),
        tuple(
            (
                *(each.name, each.pruned, each.how, str(len(each.records)), _images(each)),
                _sparsity(each),
                *(cell(each, attack) for attack in attacks),
                *(tuned.cell(each, variant) for variant in ways),
            )
            for each in group
        ),
        (
            *_networks(group),
            *_trained(group),
            *(
                ["Seconds of fine-tuning: by the wall, mean over networks, for orientation."]
                if ways
                else []
            ),
        ),
    )


def _images(each: Pruned) -> str:
    """Of each network; of several numbers the smallest and the largest."""
    found = {judged.images for record in each.records.values() for judged in record.judged}
    if not found:
        return "-"
    return str(min(found)) if len(found) == 1 else f"{min(found)} to {max(found)}"


def _sparsity(each: Pruned) -> str:
    found = each.sparsity
    return "-" if found is None else f"{found.value:.2f}"


def cell(each: Pruned, attack: str) -> str:
    """Accuracy with its interval: "73.4 ± 2.1" over networks, "73.4 (66.9 to 79.1)" over the images
    of one."""
    found, count = each.within(attack), len(each.under(attack))
    if found is None:
        return "-"
    if count == 1:
        told = f"{found.value:.1f} ({found.low:.1f} to {found.high:.1f})"
    else:
        told = f"{found.value:.1f} ± {found.high - found.value:.1f}"
    return told if count == len(each.records) else f"{told}, {counted(count, 'network')}"


def _networks(group: Sequence[Pruned], *, intervals: bool = True) -> Iterator[str]:
    """What means are over, and what intervals are of."""
    counts = {len(each.under(attack)) for each in group for attack in each.attacks}
    several, alone = any(count > 1 for count in counts), 1 in counts
    if several and intervals:
        yield (
            "Of several networks, trained from as many seeds: their mean; ± is its 95 % interval"
            " (Student's t)."
        )
    elif several:
        yield "Means over networks that were trained from several seeds."
    if alone and intervals:
        yield (
            "Of one network: in brackets the 95 % interval of its images (Wilson 1927); what"
            " another seed would come to is not in it."
        )


def _trained(group: Sequence[Pruned]) -> Iterator[str]:
    """How pruned networks were trained on, and over how many batches saliency was averaged."""
    said: dict[str, dict[str, None]] = {}
    for each in group:
        first = each.first
        if not each.is_dense:
            batches = (
                f", saliency averaged over {counted(first.batches, 'batch', 'batches')}"
                if first.batches
                else ""
            )
            told = f"{counted(first.epochs, 'epoch')} of fine-tuning by {first.training}{batches}"
            said.setdefault(told, {})[f"{first.criterion} on {each.name}"] = None
    yield from (f"{'; '.join(names)}: {text}." for text, names in said.items())


def failures(run: Run) -> list[str]:
    """A sentence for whatever did not come to its end, or came to one that tells nothing."""
    lines: list[PrunedRecord | ScoredRecord] = [
        *measures.scored_lines(run),
        *measures.pruned_lines(run),
    ]
    said = by_whom(
        (
            f"{_what(line)} of {network(line.case)}, network {line.network_seed}, {line.variant}",
            told,
        )
        for line in lines
        if (told := _ended(line))
    )
    return [f"{'; '.join(names)}: {text}." for text, names in said.items()]


def _ended(line: PrunedRecord | ScoredRecord) -> str:
    """How a line ended that has nothing to tell; "" of others."""
    if line.status != "ok":
        return f"{line.status}{f': {line.reason}' if line.reason else ''}"
    if isinstance(line, ScoredRecord) and not line.layers:
        return "no layer is told of"
    return ""


def _what(line: PrunedRecord | ScoredRecord) -> str:
    if isinstance(line, ScoredRecord):
        return f"saliency over {counted(line.batches, 'batch', 'batches')}"
    return "judging" if line.criterion == DENSE else f"{line.criterion}, {share(line.percent)}"


def none_ended(failed: Sequence[str]) -> Table:
    """What stands for a run none of whose networks came to its end."""
    return Table("Pruned networks", ("pruned", "ended"), (("all", "none"),), tuple(failed))
