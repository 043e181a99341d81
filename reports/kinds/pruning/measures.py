"""What pruned networks and their saliency come to, over seeds, from records. Pure.

A network stands once, whatever seeds it was trained from; two networks are held against each other
seed by seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bench.cases import SEMI_BACKWARD, Case
from bench.kinds.pruning.findings import (
    DENSE,
    PRUNED,
    SCORED,
    JudgedBy,
    PrunedRecord,
    PruningFindings,
    ScoredRecord,
)
from bench.kinds.pruning.options import PruningOptions
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics import proportions, seeds
from bench.statistics.estimate import CONFIDENCE
from bench.statistics.proportions import Within
from bench.statistics.seeds import Mean
from reports.kinds.pruning.words import attack_rank, criterion_rank, networks, place, share
from semibackward_bench.grammar import counted


@dataclass(frozen=True)
class Pruned:
    """A network that was pruned one way and judged, or the dense one.

    Attributes:
        case: of the whole pipeline.
        records: by the seed of the network.
        name: of the network.
        how: how it was pruned, with whatever tells it from the others.
    """

    case: Case
    records: Mapping[int, PrunedRecord]
    name: str = ""
    how: str = ""

    @property
    def first(self) -> PrunedRecord:
        return next(iter(self.records.values()))

    @property
    def is_dense(self) -> bool:
        return self.first.criterion == DENSE

    @property
    def pruned(self) -> str:
        """How much was to go, in a cell."""
        return "-" if self.is_dense else share(self.first.percent)

    @property
    def attacks(self) -> list[str]:
        """What some of its networks were judged by."""
        names = {found.attack for r in self.records.values() for found in r.judged}
        return sorted(names, key=attack_rank)

    def under(self, attack: str) -> dict[int, JudgedBy]:
        """What was found under an attack, by seed."""
        return {
            seed: found
            for seed, record in self.records.items()
            for found in record.judged
            if found.attack == attack
        }

    def accuracy(self, attack: str) -> Mean | None:
        """In percent; None where none was judged by it."""
        return seeds.mean(map(right, self.under(attack).values()))

    def within(self, attack: str) -> Within | None:
        """Accuracy in percent with its interval: of several networks that of their mean (Student's
        t), of one network that of its images (Wilson 1927)."""
        found = list(self.under(attack).values())
        if len(found) == 1:
            one = proportions.proportion(found[0].right, found[0].images)
            return Within(100 * one.value, 100 * one.low, 100 * one.high)
        return _within(seeds.mean(map(right, found)))

    @property
    def sparsity(self) -> Mean | None:
        """The share of the weights that went, in percent; none of a dense network's."""
        dense = 0.0 if self.is_dense else None
        found = (
            dense if record.sparsity is None else record.sparsity
            for record in self.records.values()
        )
        return seeds.mean(100 * one for one in found if one is not None)


@dataclass(frozen=True)
class Scored:
    """The saliency of a network's weights.

    Attributes:
        case: of the whole pipeline.
        batches: that it is averaged over.
        records: by the seed of the network.
        name: of the network, with whatever tells it from the others.
    """

    case: Case
    batches: int
    records: Mapping[int, ScoredRecord]
    name: str = ""


@dataclass(frozen=True)
class Difference:
    """How far two networks lie apart, in percentage points.

    Attributes:
        found: the first's accuracy less the second's.
        seeds: networks of each that went in.
    """

    found: Within
    seeds: int

    @property
    def told(self) -> str:
        """As "+3.1 (-0.4 to 6.6)"."""
        return f"{self.found.value:+.1f} ({self.found.low:.1f} to {self.found.high:.1f})"


def right(found: JudgedBy) -> float:
    """Percent of the images that are classified rightly."""
    return 100 * found.right / found.images


def pruned_lines(run: Run) -> list[PrunedRecord]:
    """A run's pruned networks and dense ones, however they ended."""
    return [r for r in run.own.get(PRUNED, ()) if isinstance(r, PrunedRecord)]


def scored_lines(run: Run) -> list[ScoredRecord]:
    """A run's saliencies, however they ended."""
    return [r for r in run.own.get(SCORED, ()) if isinstance(r, ScoredRecord)]


def timed(run: Run) -> list[ComparisonRecord]:
    """A run's comparisons of stages."""
    return [r for r in run.comparisons if isinstance(r.case.options, PruningOptions)]


def findings(record: ComparisonRecord) -> PruningFindings | None:
    """What a comparison found out of its network; None if it did not come so far."""
    return record.findings if isinstance(record.findings, PruningFindings) else None


def way(record: PrunedRecord) -> tuple[object, ...]:
    """What pruned networks are alike in that differ by their seed alone."""
    return (
        *(record.case_id, record.criterion, record.percent),
        *(record.epochs, record.batches, record.training),
    )


def pruned(run: Run) -> list[Pruned]:
    """The networks that came to their end, in order: by case, share and criterion.

    Of one that was made with and without the trick, semi-backward's stands.
    """
    found: dict[tuple[object, ...], dict[int, PrunedRecord]] = {}
    ended = [line for line in pruned_lines(run) if line.status == "ok"]
    for line in sorted(ended, key=lambda line: line.variant == SEMI_BACKWARD):
        found.setdefault(way(line), {})[line.network_seed] = line
    some = [Pruned(next(iter(r.values())).case, dict(sorted(r.items()))) for r in found.values()]
    cases = list(dict.fromkeys(line.case_id for line in ended))
    some.sort(key=lambda each: (cases.index(each.first.case_id), *_rank(each.first)))
    names = networks({each.first.case_id: each.case for each in some})
    ways = _ways(some)
    return [
        replace(each, name=names[each.first.case_id], how=ways[way(each.first)]) for each in some
    ]


def _rank(record: PrunedRecord) -> tuple[object, ...]:
    return (
        *(record.percent, criterion_rank(record.criterion)),
        *(record.epochs, record.batches, record.training),
    )


def _ways(found: Iterable[Pruned]) -> dict[tuple[object, ...], str]:
    """How each network was pruned, by `way`: by which criterion, and of what is the same besides
    whatever tells it from the others."""
    alike: dict[tuple[object, ...], list[PrunedRecord]] = {}
    for each in found:
        first = each.first
        alike.setdefault((first.case_id, first.criterion, first.percent), []).append(first)
    told: dict[tuple[object, ...], str] = {}
    for group in alike.values():
        facts = [
            (
                counted(one.epochs, "epoch"),
                f"saliency of {counted(one.batches, 'batch', 'batches')}",
                f"fine-tuned by {one.training}",
            )
            for one in group
        ]
        shows = [len(set(column)) > 1 for column in zip(*facts, strict=True)]
        for one, words in zip(group, facts, strict=True):
            more = [word for word, apart in zip(words, shows, strict=True) if apart]
            told[way(one)] = ", ".join([one.criterion, *more])
    return told


def scored(run: Run) -> list[Scored]:
    """The saliencies that came to their end, likewise."""
    found: dict[tuple[str, int], dict[int, ScoredRecord]] = {}
    ended = [line for line in scored_lines(run) if line.status == "ok" and line.layers]
    for line in ended:
        found.setdefault((line.case_id, line.batches), {})
    for line in sorted(ended, key=lambda line: line.variant == SEMI_BACKWARD):
        found[line.case_id, line.batches][line.network_seed] = line
    cases = {key: next(iter(r.values())).case for (key, _), r in found.items()}
    names = networks(cases)
    several = {key for key, _ in found if sum(one == key for one, _ in found) > 1}
    made = []
    for (key, batches), some in found.items():
        more = [counted(batches, "batch", "batches")] if key in several else []
        name = ", ".join([names[key], *more])
        made.append(Scored(cases[key], batches, dict(sorted(some.items())), name))
    return made


def by_place(found: Iterable[Pruned]) -> list[list[Pruned]]:
    """By what tables have in common."""
    groups: dict[tuple[object, ...], list[Pruned]] = {}
    for each in found:
        groups.setdefault(place(each.case), []).append(each)
    return list(groups.values())


def difference(
    first: Pruned, second: Pruned, attack: str, confidence: float = CONFIDENCE
) -> Difference | None:
    """How much more of the images the first has right: of several seeds the mean over them with
    Student's t interval, of one seed with that of its images (Newcombe 1998); None where no seed
    has both."""
    ours, theirs = first.under(attack), second.under(attack)
    both = [(ours[seed], theirs[seed]) for seed in ours if seed in theirs]
    if not both:
        return None
    if len(both) == 1:
        shares = [proportions.proportion(f.right, f.images, confidence) for f in both[0]]
        one = proportions.difference(*shares)
        return Difference(Within(100 * one.value, 100 * one.low, 100 * one.high), 1)
    found = _within(seeds.mean((right(a) - right(b) for a, b in both), confidence))
    assert found is not None
    return Difference(found, len(both))


def _within(mean: Mean | None) -> Within | None:
    """A mean with the ends of its interval; at both ends itself without one."""
    if mean is None:
        return None
    half = mean.half or 0.0
    return Within(mean.value, mean.value - half, mean.value + half)


def attacks_of(found: Iterable[Pruned]) -> list[str]:
    """Everything that some networks were judged by, images as they are first."""
    return sorted({attack for each in found for attack in each.attacks}, key=attack_rank)
