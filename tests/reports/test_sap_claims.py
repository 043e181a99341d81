"""What the paper says of SAP, judged from records made up for the purpose."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bench.kinds.sampling.findings import RobustnessRecord
from bench.statistics.proportions import Within
from reports.kinds.sampling.judging import side
from reports.kinds.sampling.measures import Difference
from reports.table import Table
from tests.reports import sampled as made
from tests.reports.sampled import case, robust
from tests.reports.tables import tables_of

ADV = "resnet20_adversarial"


def judgements(*records: RobustnessRecord) -> list[Mapping[str, str]]:
    """The rows of the table of claims, each by its columns."""
    found: list[Table] = tables_of(made.run(*records), "sampling")
    rows: list[Mapping[str, str]] = []
    for table in found:
        if table.title.startswith("What the paper says"):
            rows += [dict(zip(table.header, row, strict=True)) for row in table.rows]
    return rows


def said(rows: list[Mapping[str, str]], begun: str) -> list[tuple[str, str]]:
    """Of the claims that begin so, each λ with its judgement."""
    return [(row["λ"], row["judged"]) for row in rows if row["claim"].startswith(begun)]


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [(1, 2, "found"), (-2, -1, "not found"), (-1, 1, "can't be told")],
)
def test_an_interval_on_one_side_decides(low: float, high: float, outcome: str) -> None:
    assert side(Difference(Within(0.0, low, high), 3)) == outcome
    assert side(Difference(Within(0.0, -high, -low), 3), above=False) == outcome


def test_accuracy_is_kept_but_for_what_the_paper_loses() -> None:
    dense = robust(case("dense"), (90,), images=4000)
    for percent, outcome in ((88, "found"), (70, "not found"), (84, "can't be told")):
        rows = judgements(dense, robust(accuracies=(percent,), images=4000))
        assert said(rows, "SAP keeps") == [("0", outcome)]
        assert [row["published"] for row in rows if row["claim"].startswith("SAP keeps")] == [
            "-6.5"
        ]


def test_it_is_judged_by_the_most_samples_there_are() -> None:
    dense = robust(case("dense"), (90, 30, 30))
    some = [robust(case(samples=n), (90, a, a)) for n, a in ((1, 90), (100, 60))]
    rows = judgements(dense, *some)
    assert said(rows, "SAP retains") == [("1", "found, N = 100"), ("2", "found, N = 100")]
    assert {row["compared"] for row in rows if row["claim"].startswith("SAP retains")} == {
        "SAP-100, N = 100 against dense"
    }


def test_the_iterative_attack_does_more_by_the_dense_networks_gradient() -> None:
    own = robust(case("sap-100", "iterative", samples=10), (83, 82, 80, 77))
    other = robust(case("sap-100", "iterative", gradient="dense"), (83, 40, 67, 90))
    rows = judgements(own, other)
    assert said(rows, "The iterative attack") == [
        ("1", "found"), ("2", "found"), ("4", "not found"),
    ]  # fmt: skip
    # 75.2 - 82.0, 67.0 - 80.2 and 50.8 - 76.7.
    assert [row["published"] for row in rows] == ["-6.8", "-13.2", "-25.9"]


@pytest.mark.parametrize(
    ("percent", "outcome"), [(30, "found"), (60, "not found"), (43, "can't be told")]
)
def test_a_rival_that_gains_nothing_offers_no_robustness(percent: int, outcome: str) -> None:
    dense = robust(case("dense"), (90, 40), images=1000)
    rows = judgements(dense, robust(case("rna-0.1"), (90, percent), images=1000))
    assert said(rows, "A rival offers") == [("above 0; most at 1", outcome)]
    assert rows[0]["section"] == "appendix B.5"


def test_rivals_are_held_against_sap_too() -> None:
    sap = robust(case("sap-100"), (90, 70))
    rows = judgements(
        sap,
        robust(case("dropout-0.1"), (90, 30)),
        robust(case("dense", model="resnet20_dropout_10"), (90, 95)),
    )
    assert said(rows, "No rival matches") == [
        ("above 0; most at 1", "found"), ("above 0; most at 1", "not found"),
    ]  # fmt: skip


def test_adversarial_training_with_sap_beside_it_alone() -> None:
    both = robust(case(model=ADV, samples=100), {0: 74, 16: 60, 32: 60})
    alone = robust(case("dense", model=ADV), {0: 75, 16: 30, 32: 61})
    dense = robust(case("dense"), {0: 90, 16: 10, 32: 10})
    rows = judgements(both, alone, dense)
    assert said(rows, "ADV + SAP-100 has more") == [("16", "found"), ("32", "can't be told")]
    assert said(rows, "ADV + SAP-100 is the best of all") == [
        ("16", "found"), ("32", "can't be told"),
    ]  # fmt: skip
    assert [row["published"] for row in rows if "has more" in row["claim"]] == ["+7.8", "+7.9"]


def test_published_gains_of_other_samples_say_so() -> None:
    both, alone = (
        robust(case(model=ADV, samples=10), {16: 60}),
        robust(case("dense", model=ADV), {16: 30}),
    )
    assert judgements(both, alone)[0]["published"] == "+7.8 (N = 100)"


def test_calibration_is_judged_over_networks_alone() -> None:
    def of(seeds: int) -> list[RobustnessRecord]:
        return [
            robust(case(defence), (90, 50), seed, error=error + seed / 1000 * (error < 0.2))
            for seed in range(seeds)
            for defence, error in (("dense", 0.3), ("sap-100", 0.1))
        ]

    begun = "SAP-100 is better calibrated"
    assert said(judgements(*of(1)), begun) == [("1", "can't be told")]
    assert said(judgements(*of(3)), begun) == [("1", "found")]


def test_nothing_is_claimed_without_a_dense_network() -> None:
    assert judgements(robust()) == []
