"""What the paper claims of pruning, judged from records made up for the purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.statistics.proportions import Within
from reports.kinds.pruning import published
from reports.kinds.pruning.claims import side
from reports.kinds.pruning.measures import Difference
from reports.table import Table
from tests.reports.kinds.pruning import made
from tests.reports.kinds.pruning.made import case, pipeline, pruned, scored
from tests.reports.tables import tables_of

TITLE = "What the paper claims"
FIRST, LOSES, ORDER = "The weights of the first", "Pruning by adversarial", "Pruning in the order"


def tables(*records: made.Record) -> list[Table]:
    found = tables_of(made.run(*records), "pruning")
    return [table for table in found if table.title.startswith(TITLE)]


def said(begun: str, *records: made.Record) -> list[tuple[str, str]]:
    """Of the claims that begin so, what was compared, with the judgement."""
    rows = [
        dict(zip(table.header, row, strict=True))
        for table in tables(*records)
        for row in table.rows
    ]
    return [(row["compared"], row["judged"]) for row in rows if row["claim"].startswith(begun)]


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [(1, 2, "holds"), (-2, -1, "does not hold"), (-1, 1, "can't be told")],
)
def test_an_interval_on_one_side_decides(low: float, high: float, outcome: str) -> None:
    assert side(Difference(Within(0.0, low, high), 3)) == outcome
    alone = outcome if outcome == "can't be told" else f"{outcome} of this network"
    assert side(Difference(Within(0.0, low, high), 1)) == alone
    assert side(None) == "can't be told"


@pytest.mark.parametrize(
    ("means", "outcome"),
    [
        ([(3, 1, 2), (5, 1, 2)], "holds"),
        ([(1, 3, 2), (1, 3, 2)], "does not hold"),
        ([(3, 1, 2), (1, 3, 2)], "can't be told"),
        ([(3, 1, 2)], "holds of this network"),
        ([(2, 2, 1)], "does not hold of this network"),
        ([(3,)], "can't be told"),
    ],
)
def test_the_first_layer_is_judged_over_networks(
    means: list[tuple[float, ...]], outcome: str
) -> None:
    some = [scored(means=each, seed=seed) for seed, each in enumerate(means)]
    assert [judged for _, judged in said(FIRST, *some)] == [outcome]


def test_orders_are_held_against_each_other_seed_by_seed() -> None:
    """Networks lie further apart than orders do, whose difference is the same in each."""
    some = [
        pruned(criterion, {"pgd": right + 10 * seed}, seed=seed)
        for seed in range(3)
        for criterion, right in (("mad", 50), ("random", 48 + seed * 0.1), ("largest", 60))
    ]
    assert said(ORDER, *some) == [
        ("mad against largest, 90 %", "does not hold"), ("mad against random, 90 %", "holds"),
    ]  # fmt: skip


def test_robustness_is_kept_within_a_point() -> None:
    for right, outcome in ((60.0, "holds"), (50.0, "does not hold")):
        some = [
            record
            for seed in range(3)
            for record in (
                pruned("dense", {"pgd": 60 + 0.1 * seed}, seed=seed),
                pruned("mad", {"pgd": right}, seed=seed),
            )
        ]
        assert said(LOSES, *some) == [("mad against dense, 90 %", outcome)]


def test_of_one_seed_the_judgement_is_of_this_network_alone() -> None:
    pair = [pruned("mad", {"pgd": 60}), pruned("random", {"pgd": 20})]
    assert said(ORDER, *pair) == [("mad against random, 90 %", "holds of this network")]
    (table,) = tables(*pair)
    assert any("says nothing of other seeds" in note for note in table.notes)


def test_only_what_differs_by_the_criterion_is_compared() -> None:
    mad = pruned("mad", {"pgd": 60})
    for other in (
        pruned("random", {"pgd": 20}, percent=0.99),
        pruned("random", {"pgd": 20}, epochs=60),
        pruned("random", {"pgd": 20}, training="trades"),
        pruned("largest", {"pgd": 20}, batches=9),
        pruned("random", {"pgd": 20}, of=case(inside="reference")),
        pruned("random", {"none": 20}),
        pruned("random", status="failed", judged=[]),
    ):
        assert said(ORDER, mad, other) == []


def test_networks_without_a_seed_in_common_can_not_be_told() -> None:
    pair = [pruned("mad", {"pgd": 60}, seed=0), pruned("random", {"pgd": 20}, seed=1)]
    assert said(ORDER, *pair) == [("mad against random, 90 %", "can't be told")]


def test_clean_accuracy_is_no_robustness() -> None:
    assert said(ORDER, pruned("mad", {"none": 90}), pruned("random", {"none": 50})) == []


def test_nothing_is_claimed_without_records() -> None:
    assert tables() == []
    assert tables(pruned("random")) == []


def test_no_number_is_compared_and_other_settings_are_told() -> None:
    (table,) = tables(*pipeline())
    notes = " ".join(table.notes)
    assert "no accuracy, sparsity or seconds of any network" in notes
    assert "radius 0.125, published 0.03" in notes
    assert "epochs of fine-tuning 2, published 60" in notes
    assert "shares that are pruned" not in notes
    usual = case(eps=0.03, batch=128)
    (same,) = tables(pruned("dense", of=usual), pruned(epochs=60, of=usual))
    assert not any("as published" in note for note in same.notes)


def test_claims_are_judged_where_the_papers_words_can_not_be_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(published, "FILE", tmp_path / "mad.json")
    (table,) = tables(*pipeline())
    assert {row[0] for row in table.rows} == {"first layer", "keeps", "order"}
    assert any("can't be read" in note for note in table.notes)
