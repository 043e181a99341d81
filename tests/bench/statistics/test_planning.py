"""How many blocks a process is worth, and whether a case gets another one."""

from __future__ import annotations

import math

import pytest

from bench.statistics import planning, stopping
from bench.statistics.blocks import Block, Sample
from bench.statistics.components import BETWEEN_SPEEDUP
from bench.statistics.stopping import StopRule


def blocks(*processes: tuple[float, ...], seconds: float = 1.0) -> list[Block]:
    """Of each process, blocks with these log ratios; the variant takes so many seconds."""
    return [
        Block(
            at, "ABBA", tuple(Sample(seconds * time) for time in (math.exp(r), 1, 1, math.exp(r)))
        )
        for at, ratios in enumerate(processes)
        for r in ratios
    ]


def test_nobody_can_tell_before_two_processes() -> None:
    assert planning.blocks_of_next([], []) == math.inf
    assert planning.blocks_of_next(blocks((0.4, 0.5)), [1.0]) == math.inf


def test_processes_that_differ_get_few_blocks_and_blocks_that_differ_make_them_many() -> None:
    between = blocks((0.30, 0.31), (0.40, 0.41), (0.50, 0.51))
    within = blocks((0.30, 0.50), (0.31, 0.49), (0.29, 0.51))
    assert planning.blocks_of_next(between, [2.0] * 3) == 1
    assert planning.blocks_of_next(within, [2.0] * 3) > 5


def test_what_a_process_costs_is_what_the_cheapest_did() -> None:
    """The first has checks in it that no other has."""
    data = blocks((0.30, 0.34), (0.33, 0.37), (0.27, 0.31))
    dear = planning.blocks_of_next(data, [90.0, 90.0, 90.0])
    assert planning.blocks_of_next(data, [90.0, 1.0, 1.0]) < dear


def test_processes_that_happen_to_agree_are_not_taken_to_be_equal() -> None:
    data = blocks((0.30, 0.34), (0.34, 0.30))
    each = stopping.measured(data) / len(data)
    assert planning.blocks_of_next(data, [each, each]) == round(
        math.sqrt(0.0008) / (BETWEEN_SPEEDUP / 2)
    )


def test_blocks_that_take_no_time_to_speak_of_are_worth_having() -> None:
    data = blocks((0.30, 0.34), (0.34, 0.30), seconds=1e-6)
    assert planning.blocks_of_next(data, [5.0, 5.0]) > 100


@pytest.mark.parametrize(
    ("ratios", "max_seconds", "more"),
    [
        ((0.4,), 1e3, True),  # fewer than were asked for
        ((0.4,) * 4, 1e3, True),  # narrow, and too few for what is usual
        ((0.4,) * 5, 1e3, False),  # narrow
        ((0.3, 0.5), 1e3, True),
        ((0.3, 0.5), 1.0, False),  # time is up
        ((0.4,) * 4, 1.0, False),
        ((0.3, 0.5) * 4, 1e3, False),  # four times as many as were asked for
    ],
)
def test_a_wide_case_gets_more_processes_while_there_is_time(
    ratios: tuple[float, ...], max_seconds: float, more: bool
) -> None:
    data = blocks(*((ratio, ratio) for ratio in ratios))
    rule = StopRule(0.04, max_seconds, 2)
    assert planning.another(rule, data, len(ratios)) is more


def test_one_process_is_one() -> None:
    rule = StopRule(0.02, 1e3, 1)
    assert planning.another(rule, [], 0)
    assert not planning.another(rule, blocks((0.3, 0.5)), 1)


def test_a_process_without_a_calm_block_is_made_up_for() -> None:
    held_up = [
        Block(process, "ABBA", (Sample(1.5), Sample(1.0), Sample(1.0), Sample(9.0)))
        for process in (2, 3)
    ]
    data = [*blocks((0.4, 0.4), (0.4, 0.4)), *held_up]
    seconds = stopping.measured(data)
    assert planning.another(StopRule(0.02, seconds / 3.9, 4), data, 4)
    assert not planning.another(StopRule(0.02, seconds / 4, 4), data, 4), "time is up"
    assert not planning.another(StopRule(0.02, seconds / 3.9, 2), data, 4)
