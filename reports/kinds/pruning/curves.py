"""Which points of accuracy stand on which curve. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.statistics.proportions import Within
from reports.kinds.pruning.measures import Pruned


@dataclass(frozen=True)
class Placed:
    """A network on a curve.

    Attributes:
        left: percent of the weights that stay.
        within: accuracy in percent, with its interval.
    """

    left: float
    within: Within


@dataclass(frozen=True)
class Curve:
    """The networks of one criterion.

    Attributes:
        name: in the key.
        points: from the densest to the sparsest.
        dense: whether it is the network that is not pruned.
    """

    name: str
    points: Sequence[Placed]
    dense: bool


def by_network(found: Iterable[Pruned]) -> list[list[Pruned]]:
    """Those of one network together, where some of them were pruned and judged."""
    groups: dict[str, list[Pruned]] = {}
    for each in found:
        if each.sparsity is not None and each.attacks:
            groups.setdefault(each.first.case_id, []).append(each)
    return [
        group
        for group in groups.values()
        if any(not each.is_dense and each.sparsity and each.sparsity.value < 100 for each in group)
    ]


def of(group: Sequence[Pruned], attack: str) -> list[Curve]:
    """The curves under one attack, in the order of criteria."""
    curves: dict[str, list[Pruned]] = {}
    for each in group:
        if each.under(attack):
            curves.setdefault(each.how, []).append(each)
    found = []
    for name, some in curves.items():
        placed = [
            Placed(100 - each.sparsity.value, within)
            for each in some
            if each.sparsity is not None and (within := each.within(attack)) is not None
        ]
        ordered = sorted(placed, key=lambda point: -point.left)
        if ordered:
            found.append(Curve(name, ordered, some[0].is_dense))
    return found


def whiskers(group: Sequence[Pruned]) -> str:
    """What they are, in a sentence."""
    counts = {len(each.under(attack)) for each in group for attack in each.attacks}
    several, alone = any(count > 1 for count in counts), 1 in counts
    of_mean = "the mean over networks (Student's t)" if several else ""
    of_images = "the images of one network (Wilson 1927)" if alone else ""
    return f"Whiskers: 95 % intervals of {' or '.join(filter(None, (of_mean, of_images)))}."
