"""Judging many cases at once: false alarms, power, and the rules, on made-up measurements."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import numpy
import pytest
from numpy.random import Generator

from bench.compare import limits, regression, timed
from bench.compare.held import SHARE_OF_ALARMS
from bench.compare.matching import match
from bench.compare.regression import Measured, Pair, judge
from bench.records import reading
from bench.statistics import estimate
from bench.statistics.components import BETWEEN_RUNS_SPEEDUP
from bench.statistics.estimate import Speedup
from tests.places import RESULTS

CASES = 20
FILES = 1000
MARGIN = 0.05
SHARE = SHARE_OF_ALARMS["speedup"]


def over_processes(centre: float, random: Generator, processes: int = 5) -> Speedup:
    """A speedup over processes that differ by 1.5 %, as `statistics.speedup` makes it."""
    centres = math.log(centre) + 0.015 * random.standard_normal(processes)
    error = centres.std(ddof=1) * math.sqrt(2 / processes)
    half = estimate.t_quantile(processes - 1, 0.95) * error
    low, middle, high = numpy.exp([centres.mean() - half, centres.mean(), centres.mean() + half])
    method = estimate.OVER_PROCESSES
    return Speedup(float(middle), float(low), float(high), 0.95, processes, 150, method)


def of_one_process(centre: float, random: Generator, blocks: int = 40) -> Speedup:
    """A speedup over the blocks of one process, which lies 2 % beside the truth or less or more."""
    here = math.log(centre) + 0.02 * random.standard_normal()
    logs = here + 0.04 * random.standard_t(4, blocks)
    middle, low, high = estimate.weighted_median((logs, numpy.ones(blocks)), 0.95)
    return Speedup(math.exp(middle), math.exp(low), math.exp(high), 0.95, 1, blocks, "")


def pair(base: Speedup, new: Speedup, share: float = MARGIN) -> Pair:
    first, second = regression.of_speedup(base), regression.of_speedup(new)
    return Pair(first, second, share, more_is_better=True)


def failing(
    draw: Callable[..., Speedup], true_loss: float, files: int, losing: int = CASES
) -> float:
    """The share of files with a regression, where some of their cases really lost so much."""
    random = numpy.random.default_rng(1)
    failed = 0
    for _ in range(files):
        pairs = [
            pair(draw(1.5, random), draw(1.5 * (1 - true_loss * (case < losing)), random))
            for case in range(CASES)
        ]
        failed += any(found.judgement == "regression" for found in judge(pairs, weight=SHARE))
    return failed / files


def test_a_thousand_files_without_a_change_give_hardly_a_false_alarm() -> None:
    assert failing(over_processes, 0.0, FILES) < 0.01


def test_nor_do_files_of_single_processes_which_lie_beside_each_other() -> None:
    assert failing(of_one_process, 0.0, 300) < 0.02


def test_at_the_margin_itself_a_file_of_many_cases_fails_one_time_in_twenty() -> None:
    assert failing(over_processes, MARGIN, FILES // 2) < 0.07


def test_a_loss_of_ten_percent_is_found_among_many_cases() -> None:
    assert failing(over_processes, 0.10, 200, losing=1) > 0.8
    assert failing(over_processes, 0.10, 100, losing=CASES) == 1.0


def sure(value: float, spread: float = 0.001) -> Measured:
    return Measured(math.log(value), spread, 10)


@pytest.mark.parametrize(
    ("base", "new", "more_is_better", "judgement"),
    [
        (1.5, 1.5, True, "unchanged"),
        (1.5, 1.45, True, "unchanged"),
        (1.5, 1.35, True, "regression"),
        (1.5, 1.65, True, "improvement"),
        (1.0, 1.04, False, "unchanged"),
        (1.0, 1.10, False, "regression"),
        (1.0, 0.90, False, "improvement"),
    ],
)
def test_what_is_sure(base: float, new: float, more_is_better: bool, judgement: str) -> None:
    (found,) = judge([Pair(sure(base), sure(new), MARGIN, more_is_better)])
    assert found.judgement == judgement
    assert found.low is not None
    assert found.high is not None
    assert found.low < new / base < found.high


@pytest.mark.parametrize("new", [1.5, 1.4, 1.35])
def test_an_interval_that_spans_the_margin_is_inconclusive(new: float) -> None:
    (found,) = judge([Pair(sure(1.5, 0.1), sure(new, 0.1), MARGIN, True)])
    assert found.judgement == "inconclusive"


def test_without_an_interval_nothing_is_said() -> None:
    unknown = regression.of_speedup(Speedup(1.5, None, None, 0.95, 1, 2, ""))
    assert unknown is None
    first, second = judge(
        [Pair(unknown, sure(1.0), MARGIN, True), Pair(sure(1.5), sure(1.0), MARGIN, True)]
    )
    assert (first.judgement, first.ratio) == ("inconclusive", None)
    assert second.judgement == "regression"


def test_holm_corrects_more_the_more_cases_there_are() -> None:
    assert regression.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert regression.holm([0.5, None, 0.6]) == [1.0, None, 1.0]
    assert regression.holm([]) == []


def test_what_alone_would_be_a_regression_need_not_be_one_among_many() -> None:
    # 2.1 standard errors below the margin.
    close = Pair(sure(1.0, 0.01), sure(0.95 * math.exp(-0.03), 0.01), MARGIN, True)
    fine = Pair(sure(1.0), sure(1.0), MARGIN, True)
    assert judge([close])[0].judgement == "regression"
    among = judge([close, *[fine] * 19])[0]
    assert (among.judgement, among.alone) == ("inconclusive", True)


def test_intervals_of_the_next_run_and_of_the_truth_come_down_to_the_same_error() -> None:
    def measured(half: float, method: str) -> Measured:
        low, high = 1.5 * math.exp(-half), 1.5 * math.exp(half)
        found = regression.of_speedup(Speedup(1.5, low, high, 0.95, 5, 150, method))
        assert found is not None
        return found

    old = measured(0.01, "t interval over processes")
    new = measured(0.01 * math.sqrt(2), estimate.OVER_PROCESSES)
    assert new.spread == pytest.approx(old.spread) == pytest.approx(0.01 / 2.7764, rel=1e-3)
    assert (new.degrees, new.between) == (old.degrees, old.between) == (4, BETWEEN_RUNS_SPEEDUP)
    bootstrapped = measured(0.01, "bootstrap over processes and blocks")
    assert bootstrapped.spread == pytest.approx(old.spread)


def test_one_process_is_believed_less_than_its_interval_says() -> None:
    one = regression.of_speedup(Speedup(1.5, 1.499, 1.501, 0.95, 1, 60, ""))
    several = regression.of_speedup(Speedup(1.5, 1.499, 1.501, 0.95, 5, 300, ""))
    assert one is not None
    assert several is not None
    assert one.high / one.low > 1.07 > several.high / several.low


def test_equal_values_without_noise_are_unchanged_and_other_ones_are_not() -> None:
    exact = Measured(0.0, 0.0, 4)
    less = Measured(-0.2, 0.0, 4)
    assert judge([Pair(exact, exact, MARGIN, True)])[0].judgement == "unchanged"
    assert judge([Pair(exact, less, MARGIN, True)])[0].judgement == "regression"


def test_seconds_are_the_medians_of_processes() -> None:
    one = regression.of_seconds({0: [1.0, 1.1, 0.9] * 10})
    assert one is not None
    assert math.exp(one.log) == pytest.approx(1.0)
    several = regression.of_seconds({0: [1.0] * 9, 1: [2.0] * 9, 2: [4.0] * 9})
    assert several is not None
    assert math.exp(several.log) == pytest.approx(2.0)
    assert several.degrees == 2
    assert several.low < 1.0
    assert regression.of_seconds({0: [1.0, 1.1]}) is None
    assert regression.of_seconds({}) is None


@pytest.mark.parametrize(
    ("base", "new", "base_slowed", "new_slowed", "judgement"),
    [
        (1.0, 1.5, 1.0, 1.0, "regression"),
        (1.0, 1.5, 1.0, 1.5, "inconclusive"),  # other programs may account for all of it
        (1.0, 1.8, 1.0, 1.5, "regression"),  # but not for this much
        (1.0, 1.5, 1.5, 1.0, "regression"),  # a base that was slowed down makes it no better
        (1.0, 1.0, 1.0, 1.5, "unchanged"),
        (1.0, 1.0, 1.5, 1.0, "inconclusive"),  # a loss may hide behind a slow base
        (1.5, 1.0, 1.0, 1.0, "improvement"),
        (1.5, 1.0, 1.5, 1.0, "unchanged"),  # no gain for sure, but no loss either
    ],
)
def test_what_other_programs_may_have_cost_is_no_loss_and_no_gain(
    base: float, new: float, base_slowed: float, new_slowed: float, judgement: str
) -> None:
    first = replace(sure(base), slowed=math.log(base_slowed))
    second = replace(sure(new), slowed=math.log(new_slowed))
    (found,) = judge([Pair(first, second, MARGIN, more_is_better=False)])
    assert found.judgement == judgement
    assert found.ratio == pytest.approx(new / base)


def test_seconds_of_one_process_on_a_cpu_are_of_a_moment() -> None:
    one, several = {0: [1.0, 1.1, 0.9] * 10}, {0: [1.0] * 9, 1: [2.0] * 9}
    between = [
        found.between
        for samples in (one, several)
        for on_cpu in (True, False)
        if (found := regression.of_seconds(samples, on_cpu=on_cpu)) is not None
    ]
    assert between == [0.21, 0.05, 0.05, 0.05]


def test_seconds_carry_what_other_programs_may_have_cost() -> None:
    for samples in ({0: [1.0, 1.1, 0.9] * 10}, {0: [1.0] * 9, 1: [2.0] * 9}):
        found = regression.of_seconds(samples, slowed=1.5)
        assert found is not None
        assert found.slowed == pytest.approx(math.log(1.5))


@pytest.mark.parametrize("group", ["before", "now", "without-waiting"])
def test_equal_runs_of_the_committed_records_give_no_false_alarm(group: str) -> None:
    runs = [
        reading.read(path) for path in sorted((RESULTS / "replication" / group).glob("*.jsonl"))
    ]
    allowed = limits.allowed("comparisons", (), None)
    assert len(runs) in (3, 8)
    for base, new in permutations(runs, 2):
        found = timed.findings(match(base.comparisons, new.comparisons), allowed)
        assert [one.said for one in found if one.judgement == "regression"] == []
