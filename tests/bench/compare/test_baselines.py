"""Variants over several baselines, and at several levels, in two files."""

from __future__ import annotations

import json

import pytest

from bench.statistics.equality import IDENTICAL, Equality
from tests.bench.compare.files import Said
from tests.reports.composed import AGREES, BOTH, OTHER, composed

OVER = composed(BOTH, 1.6, baseline="compiled")
ALONE = composed(BOTH, 1.8)


def test_a_variant_is_compared_over_its_own_baseline(compare: Said) -> None:
    code, said = compare([ALONE, OVER], [OVER, ALONE], "--format", "json")
    found = json.loads(said)
    assert code == 0
    assert (found["cases"], found["only_base"], found["only_new"]) == (1, [], [])
    speedups = {
        finding["variant"]: (finding["base"], finding["new"])
        for finding in found["findings"]
        if finding["metric"] == "speedup"
    }
    assert speedups == {BOTH: (1.8, 1.8), f"{BOTH} over compiled": (1.6, 1.6)}


def test_what_is_gone_is_called_with_its_baseline(compare: Said) -> None:
    _, said = compare([ALONE, OVER], [ALONE])
    assert f"({BOTH} over compiled)" in said


def test_a_loss_over_another_baseline_fails_and_is_told_of_it(compare: Said) -> None:
    worse = composed(BOTH, 1.1, baseline="compiled")
    code, said = compare([OVER], [worse], "--fail-if", "speedup:5%")
    assert code == 1
    assert f"({BOTH} over compiled): speedup -31.2 % (1.6 → 1.1; " in said
    _, told = compare([OVER], [worse], "--format", "github-action-benchmark")
    assert "of compiled's time" in told
    assert "original" not in told


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            IDENTICAL,
            OTHER,
            "outputs were identical and are others now, up to 0.047 apart, so its times are of"
            " other outputs",
        ),
        (IDENTICAL, AGREES, "outputs were identical and are agreeing now, up to 0.0081 apart"),
        (OTHER, AGREES, "outputs were others and are agreeing now"),
    ],
)
def test_a_level_that_changed_is_told(
    compare: Said, before: Equality, after: Equality, said: str
) -> None:
    assert said in compare([composed("bf16", 2, before)], [composed("bf16", 2, after)])[1]


@pytest.mark.parametrize(("after", "judgement"), [(IDENTICAL, "improvement"), (OTHER, "told")])
def test_faster_at_something_else_is_no_improvement(
    compare: Said, after: Equality, judgement: str
) -> None:
    faster = composed("bf16", 2.5, after)
    _, said = compare([composed("bf16", 1.5)], [faster], "--format", "json")
    (finding,) = [one for one in json.loads(said)["findings"] if one["metric"] == "speedup"]
    assert finding["judgement"] == judgement
