"""What the paper claims of pruning by adversarial saliency, each held against the records. Pure.

Over several networks, trained from as many seeds, a claim holds or does not. Of a single one it
does so of this network alone, and words say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapters.papers.mad.methods import CRITERIA
from bench.cases import Case
from bench.kinds.pruning.findings import CLEAN
from bench.records.reading import Run
from reports.kinds.pruning import measures, published
from reports.kinds.pruning.layers import BY, rank_of_first
from reports.kinds.pruning.measures import Difference, Pruned, Scored, difference
from reports.kinds.pruning.published import FIRST_LAYER, KEEPS, ORDER
from reports.kinds.pruning.words import attack_head, place, where
from reports.table import Table
from semibackward_bench.grammar import counted

HOLDS, FAILS, UNTOLD = "holds", "does not hold", "can't be told"
NEGLIGIBLE = 1.0
"""Percentage points: who surely loses no more loses nothing that matters."""


@dataclass(frozen=True)
class Judgement:
    """One row.

    Attributes:
        claim: its name in `published`.
        network: it is judged on.
        compared: what was held against what.
        attack: by what it was judged; "-" where by none.
        found: how far the two lie apart, or what else was found.
        networks: that went in.
        outcome: holds, does not hold, or can't be told.
    """

    claim: str
    network: str
    compared: str
    attack: str
    found: str
    networks: int
    outcome: str


def of(run: Run) -> Iterator[Table]:
    """A table for each data; none where nothing that the paper claims can be judged."""
    pruned, scored = measures.pruned(run), measures.scored(run)
    cases = [*(each.case for each in scored), *(each.case for each in pruned)]
    places = dict.fromkeys(map(place, cases))
    for at in places:
        group = [each for each in pruned if place(each.case) == at]
        layers = [each for each in scored if place(each.case) == at]
        rows = [*(_first_layer(each) for each in layers), *_pruned(group)]
        if rows:
            first = layers[0].case if layers else group[0].case
            yield _table(first, group, rows)


def _table(first: Case, group: Sequence[Pruned], rows: Sequence[Judgement]) -> Table:
    told = {name: published.claim(name) for name in (FIRST_LAYER, KEEPS, ORDER)}
    return Table(
        f"What the paper claims, held against {where(first)}",
        ("claim", "where", "network", "compared", "attack", "found", "networks", "judged"),
        tuple(
            (
                *(told[r.claim].words, told[r.claim].where, r.network, r.compared, r.attack),
                *(r.found, str(r.networks), r.outcome),
            )
            for r in rows
        ),
        (*_explained(rows), *published.notes(group)),
    )


def _explained(rows: Sequence[Judgement]) -> Iterator[str]:
    """How the rows are judged."""
    names = {row.claim for row in rows}
    if FIRST_LAYER in names:
        yield (
            "The first layer: whether its weights have the highest mean saliency; it holds if that"
            " is so in every network, does not if in none."
        )
    if names & {KEEPS, ORDER}:
        yield (
            "Differences in percentage points of accuracy, with 95 % intervals: of several networks"
            " of the mean over them, seed by seed (Student's t); of one network over its images"
            " (Newcombe 1998), which says nothing of other seeds."
        )
    if ORDER in names:
        yield "An order keeps more if the interval lies above 0, and does not if it lies below."
    if KEEPS in names:
        yield (
            f"Nothing is lost if the interval lies above -{NEGLIGIBLE:g} points, and something is"
            " if it lies below that."
        )
    yield "Earlier methods of adversarial pruning, which the paper also compares, are not here."


def _first_layer(each: Scored) -> Judgement:
    """In how many networks the mean saliency of the first layer is the highest."""
    ranks = [rank_of_first(record.layers) for record in each.records.values()]
    known = [rank for rank in ranks if rank is not None]
    best, count = known.count(1), len(known)
    outcome = UNTOLD
    if count and best in (0, count):
        outcome = of_networks(HOLDS if best else FAILS, count)
    found = f"the highest in {best} of {counted(count, 'network')}" if count else "a single layer"
    return Judgement(
        FIRST_LAYER,
        each.name,
        "mean saliency of the first layer against every other's",
        "-",
        found,
        count,
        outcome,
    )


def of_networks(outcome: str, count: int) -> str:
    """A judgement; with its reach where it is of a single network."""
    return f"{outcome} of this network" if count == 1 and outcome != UNTOLD else outcome


def _pruned(group: Sequence[Pruned]) -> Iterator[Judgement]:
    """Of each network that was pruned by saliency: what it keeps of the dense one's accuracy, then
    what it has more than those that were pruned otherwise."""
    for each in (one for one in group if one.first.criterion == BY):
        same = [one for one in group if one.first.case_id == each.first.case_id]
        for other in (one for one in same if one.is_dense):
            yield from _keeps(each, other)
        for other in same:
            if other.first.criterion in CRITERIA and _alike(each, other):
                yield from _order(each, other)


def _alike(each: Pruned, other: Pruned) -> bool:
    """Whether two differ by nothing but their criterion; only some read a saliency."""
    ours, theirs = each.first, other.first
    return (
        ours.criterion != theirs.criterion
        and (ours.percent, ours.epochs, ours.training)
        == (theirs.percent, theirs.epochs, theirs.training)
        and theirs.batches in (0, ours.batches)
    )


def _attacks(each: Pruned, other: Pruned) -> list[str]:
    """What both were judged by and is an attack: robustness is claimed."""
    return [name for name in each.attacks if name in other.attacks and name != CLEAN]


def _keeps(each: Pruned, dense: Pruned) -> Iterator[Judgement]:
    for attack in _attacks(each, dense):
        apart = difference(each, dense, attack)
        yield _judged(KEEPS, each, dense, attack, apart, side(apart, -NEGLIGIBLE))


def _order(each: Pruned, other: Pruned) -> Iterator[Judgement]:
    for attack in _attacks(each, other):
        apart = difference(each, other, attack)
        yield _judged(ORDER, each, other, attack, apart, side(apart))


def side(apart: Difference | None, bound: float = 0.0) -> str:
    """Whether a difference lies above a bound."""
    if apart is None:
        return UNTOLD
    if apart.found.low > bound:
        return of_networks(HOLDS, apart.seeds)
    return of_networks(FAILS, apart.seeds) if apart.found.high < bound else UNTOLD


def _judged(
    name: str, each: Pruned, other: Pruned, attack: str, apart: Difference | None, outcome: str
) -> Judgement:
    return Judgement(
        name,
        each.name,
        f"{each.how} against {other.how}, {each.pruned}",
        attack_head(attack),
        "no seed has both" if apart is None else apart.told,
        0 if apart is None else apart.seeds,
        outcome,
    )
