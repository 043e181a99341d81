"""Proportions and their intervals, against published examples."""

from __future__ import annotations

import pytest

from bench.statistics.proportions import difference, proportion


def test_wilsons_interval() -> None:
    # Newcombe 1998, table I, method 3: 81 of 263.
    found = proportion(81, 263)
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_none_and_all_leave_room_on_one_side() -> None:
    assert proportion(0, 20).low == pytest.approx(0.0, abs=1e-12)
    assert proportion(0, 20).high == pytest.approx(0.1611, abs=5e-5)
    assert proportion(20, 20).high == pytest.approx(1.0)


def test_one_image_tells_next_to_nothing() -> None:
    found = proportion(1, 1)
    assert found.low == pytest.approx(0.2065, abs=5e-5)


def test_newcombes_interval_of_a_difference() -> None:
    # Newcombe 1998, table II (a), method 10: 56 of 70 against 48 of 80.
    found = difference(proportion(56, 70), proportion(48, 80))
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
