"""How long things are taken to take, and what of the answer is measured again."""

from __future__ import annotations

import pytest

from bench.advising import budget as budgets
from bench.advising.budget import Budget
from tests.bench.advising.hill import ended, found, speedup


def of(seconds: float, now: float = 0.0) -> Budget:
    return Budget(seconds, 0.0, lambda: now)


def test_what_is_left_is_by_the_clock_since_the_program_started() -> None:
    assert Budget(150.0, 20.0, lambda: 65.0).left == 105.0


def test_a_process_measures_for_a_share_that_is_neither_too_short_nor_too_long() -> None:
    assert of(2).share == 0.5
    assert of(160).share == 4
    assert of(10_000).share == 8


def test_the_next_rung_takes_as_long_as_the_last_that_was_not_compiled() -> None:
    plain, slow = found("semi-backward", 1.3), found("compiled", 1.5, elapsed=90.0)
    assert budgets.of_rung([], compiles=True) == 0
    assert budgets.of_rung([ended("semi-backward", "failed", "")], compiles=True) == 0
    assert budgets.of_rung([plain, slow], compiles=False) == pytest.approx(10)
    assert budgets.of_rung([plain, slow], compiles=True) == pytest.approx(10 + 10 + 0.3 * 62)


def test_compiled_code_is_made_ready_again_in_each_process() -> None:
    plain, slow = found("semi-backward", 1.3), found("compiled", 1.3)
    more = budgets.of_process(slow, (), 6.0) - budgets.of_process(plain, (), 6.0)
    assert more == pytest.approx(0.7 * 20)


@pytest.mark.parametrize(
    ("processes", "half", "left", "worth"),
    [
        (1, 0.1, 21.0, True),
        (1, 0.01, 21.0, True),
        (1, 0.1, 19.0, False),
        (2, 0.1, 0.0, True),
        (3, 0.1, 11.0, True),
        (3, 0.1, 9.0, False),
        (3, 0.01, 99.0, False),
        (5, 0.1, 99.0, False),
    ],
)
def test_the_answer_gets_three_processes_or_none_and_more_where_they_differ(
    processes: int, half: float, left: float, worth: bool
) -> None:
    record = found("semi-backward", 1.3, speedup=speedup(1.3, processes, half))
    assert budgets.worth_another(record, processes, 10.0, of(100, 100 - left)) is worth
