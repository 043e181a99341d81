"""Digits and averages: what is printed is what the noise leaves standing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from bench.statistics.estimate import Speedup
from reports.reading import averages, numbers
from tests.records import FAILED, GAIN


def speedup(estimate: float, half_width: float) -> Speedup:
    factor = math.exp(half_width)
    return Speedup(estimate, estimate / factor, estimate * factor, 0.95, 1, 12, "")


@pytest.mark.parametrize(
    ("half_width", "decimals"),
    [(0.0, 3), (0.004, 3), (0.012, 2), (0.09, 2), (0.11, 1), (2.0, 1), (math.inf, 2)],
)
def test_decimals_end_at_the_first_digit_of_the_uncertainty(
    half_width: float, decimals: int
) -> None:
    assert numbers.decimals(half_width) == decimals


def test_an_interval_is_rounded_outwards() -> None:
    found = Speedup(1.567, 1.514, 1.616, 0.95, 1, 12, "")
    assert numbers.with_interval(found) == "1.57 (1.51 to 1.62)"
    assert numbers.interval(replace(found, low=1.51, high=1.62)) == "1.51 to 1.62"
    wide = Speedup(1.57, 1.36, 1.81, 0.95, 1, 12, "")
    assert numbers.with_interval(wide) == "1.6 (1.3 to 1.9)"


def test_an_interval_of_a_single_process_is_called_by_its_name() -> None:
    found = Speedup(1.567, 1.514, 1.616, 0.95, 1, 12, "")
    several = replace(found, processes=5)
    assert numbers.with_interval(found, named=True) == "1.57 (1.51 to 1.62 within this process)"
    assert numbers.with_interval(several, named=True) == "1.57 (1.51 to 1.62)"
    assert numbers.interval_name(found) == "within this process"
    assert numbers.interval_name(several) == "95 % interval"
    bare = Speedup(1.5, None, None, 0.95, 1, 4, "")
    assert numbers.with_interval(bare, named=True) == "1.50 (none: 4 blocks)"


def test_without_an_interval_it_says_so() -> None:
    few = Speedup(1.5, None, None, 0.95, 1, 4, "")
    assert numbers.with_interval(few) == "1.50 (none: 4 blocks)"
    assert numbers.with_interval(None) == "-"


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        ([], "-"),
        ([0.31234], "0.312"),
        ([2.0, 2.0, 2.0], "2.000"),
        ([1.0, 1.3, 0.7, 1.2, 0.8], "1.0"),
        ([1.0, 1.03, 0.97, 1.02, 0.98] * 20, "1.000"),
        ([123.4, 129.9, 118.2], "123"),
    ],
)
def test_seconds_have_the_digits_that_their_noise_leaves(samples: list[float], told: str) -> None:
    assert numbers.seconds(samples) == told


def test_the_mean_is_geometric_and_its_error_shrinks_with_the_cases() -> None:
    records = [replace(GAIN, speedup=speedup(s, 0.04)) for s in (1.0, 2.0, 2.0, 1.0)]
    (found,) = averages.of([*records, FAILED])
    assert found.count == 4
    assert found.geometric.estimate == pytest.approx(math.sqrt(2))
    assert found.geometric.half_width == pytest.approx(0.02)
    assert found.arithmetic == 1.5


def test_one_case_without_an_interval_leaves_the_mean_without_one() -> None:
    bare = replace(GAIN, speedup=Speedup(1.5, None, None, 0.95, 1, 4, ""))
    (found,) = averages.of([GAIN, bare])
    assert (found.geometric.low, found.geometric.high) == (None, None)
    assert averages.of([FAILED]) == []


def test_the_mean_covers_the_true_one_as_often_as_it_says() -> None:
    """Of intervals that are right one by one, over 2000 repetitions of five cases."""
    import numpy

    random = numpy.random.default_rng(0)
    truth = numpy.array([1.0, 1.4, 1.5, 1.6, 2.0])
    errors = numpy.array([0.01, 0.02, 0.05, 0.03, 0.02])
    covered = 0
    for _ in range(2000):
        logs = numpy.log(truth) + errors * random.standard_normal(5)
        cases = [
            replace(GAIN, speedup=speedup(math.exp(log), 1.96 * error))
            for log, error in zip(logs, errors, strict=True)
        ]
        (found,) = averages.of(cases)
        assert found.geometric.low is not None
        assert found.geometric.high is not None
        covered += found.geometric.low <= math.exp(numpy.log(truth).mean()) <= found.geometric.high
    assert 0.935 < covered / 2000 < 0.965
