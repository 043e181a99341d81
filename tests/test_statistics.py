"""Estimate, interval, verdict and stop rule, on synthetic blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy
import pytest

from bench import blocks, statistics
from bench.blocks import Block, Order, Sample
from bench.statistics import Speedup
from bench.stopping import MIN_BLOCKS, StopRule


def block(a: float, b: float, order: Order = "ABBA", process: int = 0) -> Block:
    times = {"A": a, "B": b}
    return Block(process, order, tuple(Sample(times[letter]) for letter in order))


def noisy(ratio: float, count: int, spread: float, seed: int, processes: int = 1) -> list[Block]:
    random = numpy.random.default_rng(seed)
    return [
        block(ratio * math.exp(random.normal(0, spread)), 1.0, process=process)
        for process in range(processes)
        for _ in range(count)
    ]


def interval(low: float, high: float, blocks: int = 100) -> Speedup:
    return Speedup(math.sqrt(low * high), low, high, 0.95, 1, blocks, "made up")


def test_ratio_of_the_mean_times_within_a_block() -> None:
    samples = (Sample(2.0), Sample(1.0), Sample(3.0), Sample(4.0))
    assert statistics.log_ratio(Block(0, "ABBA", samples)) == pytest.approx(math.log(6 / 4))
    assert statistics.log_ratio(Block(0, "BAAB", samples)) == pytest.approx(math.log(4 / 6))


@pytest.mark.parametrize("order", ["ABBA", "BAAB"])
def test_a_linear_drift_cancels(order: Order) -> None:
    samples = tuple(
        Sample((1.5 if letter == "A" else 1.0) + 0.1 * i) for i, letter in enumerate(order)
    )
    assert statistics.speedup([Block(0, order, samples)], seed=0).estimate == pytest.approx(
        (1.5 + 0.15) / (1.0 + 0.15)
    )


def test_one_outlier_does_not_move_the_estimate() -> None:
    usual = [block(1.5, 1.0)] * 8
    assert statistics.speedup([*usual, block(1.0, 40.0)], seed=0).estimate == pytest.approx(1.5)


def test_too_few_blocks_give_no_interval() -> None:
    found = statistics.speedup([block(1.5, 1.0)] * 5, seed=0)
    assert (found.low, found.high, found.half_width) == (None, None, math.inf)
    assert statistics.verdict(found) == "inconclusive"


def test_same_seed_same_interval() -> None:
    data = noisy(1.3, 20, 0.05, seed=1)
    assert statistics.speedup(data, seed=7) == statistics.speedup(data, seed=7)


@pytest.mark.parametrize(("ratio", "processes"), [(1.0, 1), (1.5, 1), (1.5, 3), (1.5, 6)])
def test_the_interval_covers_the_truth(ratio: float, processes: int) -> None:
    hits = 0
    for seed in range(300):
        found = statistics.speedup(noisy(ratio, 12, 0.05, seed, processes), seed=seed)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= ratio <= found.high
    assert hits / 300 > 0.9


@pytest.mark.parametrize(
    ("processes", "said"),
    [(1, "single process"), (3, "processes fixed"), (5, "over processes and blocks")],
)
def test_the_method_says_what_the_interval_stands_for(processes: int, said: str) -> None:
    found = statistics.speedup(noisy(1.2, 6, 0.02, 0, processes), seed=0)
    assert said in found.method
    assert (found.processes, found.blocks) == (processes, 6 * processes)


def test_each_of_a_few_processes_needs_the_blocks_of_an_interval() -> None:
    lopsided = [*noisy(1.2, 20, 0.02, 0), *[block(1.2, 1.0, process=1)] * 5]
    assert statistics.speedup(lopsided, seed=0).low is None
    assert statistics.speedup(noisy(1.2, 2, 0.02, 0, processes=5), seed=0).low is not None


def test_processes_weigh_the_same_however_many_blocks_they_have() -> None:
    data = [
        *[block(1.0, 1.0, process=0)] * 30,
        *[block(2.0, 1.0, process=1)] * 3,
        *[block(2.0, 1.0, process=2)] * 3,
    ]
    assert statistics.speedup(data, seed=0).estimate == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.3, 1.6, "faster"),
        (1.03, 1.06, "faster"),
        (1.01, 1.03, "inconclusive"),
        (0.99, 1.01, "same"),
        (0.981, 1.019, "same"),
        (0.95, 1.05, "inconclusive"),
        (0.7, 0.9, "slower"),
    ],
)
def test_the_verdict_reads_the_interval_against_the_band(
    low: float, high: float, verdict: str
) -> None:
    assert statistics.verdict(interval(low, high)) == verdict


def test_orders_come_from_the_seed_and_use_both() -> None:
    def first(seed: int) -> Sequence[Order]:
        drawn = blocks.orders(seed)
        return [next(drawn) for _ in range(20)]

    assert first(3) == first(3)
    assert set(first(3)) == {"ABBA", "BAAB"}


def test_stops_on_width_only_after_enough_blocks() -> None:
    rule = StopRule(precision=0.02, max_seconds=60)
    assert rule.reason(interval(1.49, 1.51, MIN_BLOCKS), seconds=1) == "precise"
    assert rule.reason(interval(1.49, 1.51, MIN_BLOCKS - 1), seconds=1) is None
    assert rule.reason(interval(1.3, 1.6), seconds=1) is None


def test_stops_when_the_budget_is_spent() -> None:
    rule = StopRule(precision=0.02, max_seconds=60, processes=3)
    assert rule.reason(interval(1.3, 1.6), seconds=19) is None
    assert rule.reason(interval(1.3, 1.6), seconds=20) == "budget"


def test_a_slow_case_gets_more_time_for_the_blocks_an_interval_needs() -> None:
    rule = StopRule(precision=0.02, max_seconds=10)
    too_few = statistics.speedup([block(1.5, 1.0)] * 5, seed=0)
    assert rule.reason(too_few, seconds=39) is None
    assert rule.reason(too_few, seconds=40) == "budget"
    enough = statistics.speedup(noisy(1.5, 6, 0.2, seed=0), seed=0)
    assert rule.reason(enough, seconds=10) == "budget"


def test_several_processes_may_each_be_less_precise() -> None:
    wide = interval(1.46, 1.54)  # half-width about 0.027
    assert StopRule(0.02, 60).reason(wide, seconds=1) is None
    assert StopRule(0.02, 60, processes=2).reason(wide, seconds=1) == "precise"
