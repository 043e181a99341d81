"""Means over seeds, against values worked out by hand."""

from __future__ import annotations

import pytest

from bench.statistics import seeds
from bench.statistics.seeds import Mean


def test_the_interval_of_three_seeds() -> None:
    # Their standard deviation is 2, and t for 2 degrees at 95 % is 4.3027.
    found = seeds.mean([70.0, 72.0, 74.0])
    assert found is not None
    assert (found.value, found.count) == (72.0, 3)
    assert found.half == pytest.approx(4.3027 * 2 / 3**0.5, rel=1e-4)


def test_two_seeds_at_another_confidence() -> None:
    # Their standard error is 1, and t for 1 degree at 50 % is 1.
    found = seeds.mean([1.0, 3.0], confidence=0.5)
    assert found is not None
    assert found.value == 2.0
    assert found.half == pytest.approx(1.0)


def test_one_seed_has_no_interval_and_none_no_mean() -> None:
    assert seeds.mean([5.0]) == Mean(5.0, None, 1)
    assert seeds.mean([]) is None


def test_seeds_that_agree_leave_no_room() -> None:
    assert seeds.mean([4.0] * 5) == Mean(4.0, 0.0, 5)
