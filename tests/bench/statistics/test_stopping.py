"""When to stop: on width or on budget, on synthetic blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from bench.statistics import estimate, stopping
from bench.statistics.blocks import Block
from bench.statistics.stopping import MIN_BLOCKS, Looks, StopRule
from tests.bench.statistics.made_up import block, interval, noisy

STEADY = [block(1.5, 1.0)] * 100


def stops_at(looks: Looks, data: Sequence[Block], seconds: float = 0.0) -> int | None:
    """After how many blocks the looks say stop."""
    for count in range(1, len(data) + 1):
        if looks.reason(data[:count], seconds):
            return count
    return None


def test_stops_on_width_only_after_enough_blocks_and_two_looks() -> None:
    found = stops_at(Looks(StopRule(0.02, 60)), STEADY)
    assert found is not None
    assert found > MIN_BLOCKS
    assert stops_at(Looks(StopRule(0.001, 60)), noisy(1.5, 30, seed=0)) is None


def test_one_narrow_look_between_wide_ones_does_not_stop() -> None:
    looks = Looks(StopRule(0.02, 60))
    wide = [block(math.exp(0.5 * (-1) ** i), 1.0) for i in range(100)]
    assert looks.reason(STEADY[:30], 0.0) is None
    assert looks.reason(wide[:60], 0.0) is None
    assert looks.reason(STEADY[:100], 0.0) is None


def test_on_cuda_nothing_stops_a_process_before_three_seconds_of_runs() -> None:
    """A block of the steady ones takes five seconds; these take a fiftieth of one."""
    quick = [block(0.015, 0.01)] * 200
    rule = StopRule.for_device("cuda:1", 0.02, 15)
    for most in (math.inf, 8):
        found = stops_at(Looks(rule, most), quick)
        assert found is not None
        assert stopping.measured(quick[:found]) >= 3 > stopping.measured(quick[: int(found / 1.3)])
    assert stops_at(Looks(StopRule.for_device("cpu", 0.02, 15), 8), quick) == 8
    assert stops_at(Looks(rule), STEADY) == stops_at(Looks(StopRule(0.02, 15)), STEADY)


def test_a_smaller_budget_goes_first() -> None:
    quick = [block(0.015, 0.01)] * 30
    rule = StopRule.for_device("cuda", 0.02, 2)
    assert Looks(rule).reason(quick, 1.9) is None
    assert Looks(rule).reason(quick, 2.0) == "budget"
    looks = Looks(rule)
    looks.reason(quick[:25], 1.0)
    assert looks.reason(quick, 2.0) == "precise"


def test_stops_when_the_budget_is_spent() -> None:
    rule = StopRule(precision=0.001, max_seconds=60, processes=3)
    data = noisy(1.5, 30, seed=0)
    assert Looks(rule).reason(data, 19.0) is None
    assert Looks(rule).reason(data, 20.0) == "budget"


def test_a_slow_case_may_take_longer_until_it_has_an_interval() -> None:
    rule = StopRule(precision=0.001, max_seconds=60)
    few = noisy(1.5, 3, seed=0)
    assert Looks(rule).reason(few, 100.0) is None
    assert Looks(rule).reason(few, 240.0) == "budget"
    assert Looks(rule).reason([], 1e9) is None


def test_processes_that_agree_meet_the_precision_together() -> None:
    for processes in (3, 5, 10):
        rule = StopRule(0.02, 60, processes)
        sigma = rule.own_precision / 1.96
        half = estimate.t_quantile(processes - 1, 0.95) * sigma * math.sqrt(2 / processes)
        assert half == pytest.approx(0.02, rel=1e-3)


@pytest.mark.parametrize(
    ("half_width", "reasons", "why"),
    [
        (0.01, ["budget", "budget", "budget"], "precise"),
        (0.03, ["precise", "budget", "precise"], "budget"),
        (0.03, ["precise", "precise", "precise"], "processes"),
    ],
)
def test_why_a_case_stopped(half_width: float, reasons: list[str], why: str) -> None:
    found = interval(math.exp(-half_width), math.exp(half_width))
    assert StopRule(0.02, 60, 3).of_case(found, reasons) == why  # type: ignore[arg-type]
