"""What a record says of what it can't have seen."""

from __future__ import annotations

import math

import pytest

from bench.statistics import doubts
from bench.statistics.blocks import Block, Sample
from bench.statistics.estimate import Speedup

BLOCKS = [Block(0, "ABBA", (Sample(0.25),) * 4)] * 3


def interval(processes: int, half_width: float = 0.001) -> Speedup:
    ends = math.exp(-half_width), math.exp(half_width)
    return Speedup(1.0, *ends, 0.95, processes, 100, "made up")


def test_a_single_process_on_cuda_says_over_how_long_it_was_measured() -> None:
    (said,) = doubts.of_what_was_not(interval(1), BLOCKS, "cuda:0")
    assert said.startswith("measured over 3 s of one process")
    assert said.endswith("--processes 5 tells more")


@pytest.mark.parametrize(
    ("processes", "half_width", "told"),
    [(2, 0.001, True), (4, 0.001, True), (4, 0.1, False), (5, 0.001, False), (11, 0.001, False)],
)
def test_few_processes_on_cuda_that_agree_are_told(
    processes: int, half_width: float, told: bool
) -> None:
    """Not where they differ, as the interval says that; nor enough of them."""
    said = doubts.of_what_was_not(interval(processes, half_width), BLOCKS, "cuda:0")
    assert [text.startswith(f"{processes} processes agree") for text in said] == [True] * told


@pytest.mark.parametrize("processes", [1, 3])
def test_nothing_is_said_of_a_processor(processes: int) -> None:
    assert doubts.of_what_was_not(interval(processes), BLOCKS, "cpu") == []
