"""How long a run may still take, by a clock of the test's."""

from __future__ import annotations

import pytest

from bench.choosing.suites import Limits
from bench.running.remaining import Remaining


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


LIMITS = Limits(max_seconds=10.0, processes=2)


def test_before_any_process_ended_each_takes_its_budget() -> None:
    remaining = Remaining(LIMITS, 4, clock=Clock())
    assert remaining.begin() == (1, 4)
    assert remaining.left(5.0) == pytest.approx(5.0 + 3 * 5.0)


def test_later_each_takes_as_long_as_those_before() -> None:
    clock = Clock()
    remaining = Remaining(LIMITS, 4, clock=clock)
    remaining.begin()
    clock.now = 2.0
    assert remaining.begin() == (2, 4)
    assert remaining.left(1.0) == pytest.approx(1.0 + 2 * 2.0)


def test_several_slots_share_what_is_to_come() -> None:
    clock = Clock()
    remaining = Remaining(LIMITS, 8, slots=2, clock=clock)
    remaining.begin()
    remaining.begin()
    assert remaining.left(5.0) == pytest.approx(5.0 + 6 * 5.0 / 2)
    clock.now = 4.0
    remaining.begin()
    remaining.begin()
    assert remaining.left(0.0) == pytest.approx(4 * 4.0 / 2), "two took 4 s, side by side"


def test_more_or_fewer_processes_than_was_known_change_the_count() -> None:
    remaining = Remaining(LIMITS, 2, clock=Clock())
    remaining.begin()
    remaining.change(3)
    assert remaining.begin() == (2, 5)
    remaining.change(-9)
    assert remaining.begin() == (3, 3)
    assert remaining.left(-1.0) == 0.0
