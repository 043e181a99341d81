"""The saliency of each layer's weights, what is left of each layer, and which stay dense. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.kinds.pruning.findings import DENSE, QUANTILES, ScoredLayer
from bench.records.reading import Run
from bench.statistics import seeds
from bench.statistics.seeds import Mean
from reports.kinds.pruning import measures
from reports.kinds.pruning.measures import Pruned, Scored
from reports.kinds.pruning.words import network, share, where
from reports.table import Table
from semibackward_bench.grammar import counted

BY = "mad"
"""The criterion that follows saliency."""
SHOWN = (0.05, 0.5, 0.95)
"""The quantiles of a table."""


@dataclass(frozen=True)
class Layer:
    """One layer's saliency, of every network that has it.

    Attributes:
        name: of its module.
        found: by the seed of the network.
    """

    name: str
    found: dict[int, ScoredLayer]

    @property
    def weights(self) -> int:
        return next(iter(self.found.values())).weights

    @property
    def mean(self) -> Mean:
        """Of ΔL, over networks."""
        mean = seeds.mean(layer.mean for layer in self.found.values())
        assert mean is not None
        return mean

    @property
    def negative(self) -> float:
        """Percent of the weights with a ΔL below 0, over networks."""
        shares = [100 * one.negative / max(one.weights, 1) for one in self.found.values()]
        return sum(shares) / len(shares)

    def quantile(self, at: float) -> float:
        """Mean over networks."""
        index = QUANTILES.index(at)
        found = [layer.quantiles[index] for layer in self.found.values()]
        return sum(found) / len(found)


def layers(each: Scored) -> list[Layer]:
    """In the order in which they are called first; of the same name once."""
    found: dict[str, dict[int, ScoredLayer]] = {}
    for seed, record in each.records.items():
        for layer in record.layers:
            found.setdefault(layer.name, {})[seed] = layer
    return [Layer(name, some) for name, some in found.items()]


def rank_of_first(some: Sequence[ScoredLayer]) -> int | None:
    """The place of the first layer by mean saliency, the highest having 1; with others as high the
    last of theirs; None of a single layer."""
    if len(some) < 2:
        return None
    return 1 + sum(other.mean >= some[0].mean for other in some[1:])


def of(run: Run) -> Iterator[Table]:
    """Saliency by layer, then what is left of each layer, then what stays dense."""
    pruned = measures.pruned(run)
    for each in measures.scored(run):
        yield _saliency(each, pruned)
    yield from _left(pruned)
    yield from _dense(run)


def _saliency(each: Scored, pruned: Sequence[Pruned]) -> Table:
    followed = {one.pruned: one for one in reversed(pruned) if _follows(one, each)}
    by = list(reversed(followed.values()))
    found = layers(each)
    several = len(each.records) > 1
    return Table(
        f"Saliency by layer: {each.name}, {counted(each.batches, 'batch', 'batches')} of"
        f" {counted(each.case.batch, 'image')}, {where(each.case)}",
        (
            *("layer", "weights", "mean", "below 0 (%)"),
            *(f"{share(at)} below" for at in SHOWN),
            *(f"pruned at {one.pruned} (%)" for one in by),
        ),
        tuple(
            (
                *(layer.name, str(layer.weights), spelt(layer.mean), f"{layer.negative:.1f}"),
                *(f"{layer.quantile(at):.2e}" for at in SHOWN),
                *(_gone(one, layer.name) for one in by),
            )
            for layer in found
        ),
        (
            "Saliency of a weight: ΔL, its share of what the masks change of the loss of"
            " adversarial images, to the second order; mean over"
            f" {counted(each.batches, 'batch', 'batches')}. Weights: biases with them.",
            *(
                [
                    f"Over {counted(len(each.records), 'network')}, trained from as many seeds:"
                    " means; ± is the 95 % interval of a mean (Student's t)."
                ]
                if several
                else []
            ),
            _first(each),
            *_sources(each),
        ),
    )


def _follows(one: Pruned, each: Scored) -> bool:
    """Whether a network was pruned by this saliency; of several fine-tunings the first."""
    first = one.first
    same = first.case_id == next(iter(each.records.values())).case_id
    return first.criterion == BY and same and first.batches == each.batches and bool(first.layers)


def spelt(found: Mean) -> str:
    """A saliency in a cell, as "1.23e-06 ± 4.5e-07"."""
    half = "" if found.half is None else f" ± {found.half:.1e}"
    return f"{found.value:.2e}{half}"


def _gone(one: Pruned, name: str) -> str:
    """Percent of a layer's weights, over networks."""
    found = [
        100 * (1 - layer.kept / layer.weights)
        for record in one.records.values()
        for layer in record.layers
        if layer.name == name and layer.weights
    ]
    return f"{sum(found) / len(found):.2f}" if found else "-"


def _first(each: Scored) -> str:
    """The place of the first layer, in each network."""
    found = [(record.layers, rank_of_first(record.layers)) for record in each.records.values()]
    known = [(rank, len(some)) for some, rank in found if rank is not None]
    if not known:
        return "There is a single layer, so that no rank of the first one tells anything."
    ranks = [rank for rank, _ in known]
    best = ranks.count(1)
    count = max(of for _, of in known)
    if len(known) == 1:
        return f"The first layer has rank {ranks[0]} of {count} by its mean, the highest being 1."
    listed = ", ".join(map(str, ranks))
    return (
        f"By its mean the first layer has rank {listed} of {count} in"
        f" {counted(len(known), 'network')}: the highest in {best} of them."
    )


def _sources(each: Scored) -> Iterator[str]:
    told = dict.fromkeys(record.source for record in each.records.values() if record.source)
    if told:
        yield f"Weights: {', '.join(told)}."


def _left(pruned: Sequence[Pruned]) -> Iterator[Table]:
    """A table for each network and share: a row for each layer, a column for each criterion."""
    groups: dict[tuple[str, float], list[Pruned]] = {}
    for each in pruned:
        first = each.first
        if first.criterion != DENSE and first.layers:
            groups.setdefault((first.case_id, first.percent), []).append(each)
    for group in groups.values():
        yield _left_of(group)


def _left_of(group: Sequence[Pruned]) -> Table:
    first = group[0]
    sizes: dict[str, int] = {}
    for each in group:
        for record in each.records.values():
            for layer in record.layers:
                sizes.setdefault(layer.name, layer.weights)
    return Table(
        f"What is left of each layer, {first.pruned} pruned: {first.name}, {where(first.case)}",
        ("layer", "weights", *(each.how for each in group)),
        tuple(
            (name, str(size), *(_kept(each, name) for each in group))
            for name, size in sizes.items()
        ),
        (
            f"Weights that are kept, biases with them{_means(group)}; in brackets their share.",
            *_empty(group, sizes),
        ),
    )


def _means(group: Sequence[Pruned]) -> str:
    several = any(len(each.records) > 1 for each in group)
    return ", of networks from several seeds their mean" if several else ""


def _counts(each: Pruned, name: str) -> list[tuple[int, int]]:
    return [
        (layer.kept, layer.weights)
        for record in each.records.values()
        for layer in record.layers
        if layer.name == name
    ]


def _kept(each: Pruned, name: str) -> str:
    found = _counts(each, name)
    if not found:
        return "-"
    kept = sum(one for one, _ in found)
    if not kept:
        return "nothing"
    every = sum(size for _, size in found)
    mean = kept / len(found)
    told = f"{mean:.0f}" if mean == int(mean) else f"{mean:.1f}"
    return f"{told} ({100 * kept / every:.2f} %)"


def _empty(group: Sequence[Pruned], names: Iterable[str]) -> Iterator[str]:
    """Layers nothing is left of, in words."""
    for each in group:
        for name in names:
            found = _counts(each, name)
            empty = sum(not kept and size > 0 for kept, size in found)
            if empty:
                among = f" in {empty} of {counted(len(found), 'network')}" if len(found) > 1 else ""
                yield (
                    f"{each.how}, {each.pruned}: nothing is left of {name}{among}, so that its"
                    " output is 0 whatever it is shown."
                )


def _dense(run: Run) -> Iterator[Table]:
    """What is not pruned, and why; none where everything can be."""
    rows: dict[tuple[str, str, str], None] = {}
    for line in measures.scored_lines(run):
        for name, why in line.dense.items():
            rows[network(line.case), name, why] = None
    for record in measures.timed(run):
        found = measures.findings(record)
        for name, why in (found.dense if found is not None else {}).items():
            rows[network(record.case), name, why] = None
    if rows:
        yield Table(
            "Left dense",
            ("network", "parameter", "because"),
            tuple(rows),
            ("Parameters of two dimensions or more that are not pruned; sparsity is of the rest.",),
        )
