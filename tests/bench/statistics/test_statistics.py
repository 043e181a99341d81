"""Estimate, interval and verdict, on synthetic blocks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy
import pytest

from bench.statistics import blocks, estimate
from bench.statistics.blocks import Block, Order, Sample
from bench.statistics.estimate import Speedup
from tests.bench.statistics.made_up import block, interval, noisy
from tools import coverage, synthetic
from tools.synthetic import WORLDS, World

REPETITIONS = 1000


def test_ratio_of_the_mean_times_within_a_block() -> None:
    samples = (Sample(2.0), Sample(1.0), Sample(3.0), Sample(4.0))
    assert Block(0, "ABBA", samples).log_ratio == pytest.approx(math.log(6 / 4))
    assert Block(0, "BAAB", samples).log_ratio == pytest.approx(math.log(4 / 6))


def test_spread_of_the_runs_of_the_same_variant() -> None:
    samples = (Sample(2.0), Sample(1.0), Sample(3.0), Sample(4.0))
    assert Block(0, "ABBA", samples).spread == pytest.approx(math.hypot(math.log(2), math.log(3)))


@pytest.mark.parametrize("order", ["ABBA", "BAAB"])
def test_a_linear_drift_cancels(order: Order) -> None:
    samples = tuple(
        Sample((1.5 if letter == "A" else 1.0) + 0.1 * i) for i, letter in enumerate(order)
    )
    found = estimate.speedup([Block(0, order, samples)])
    assert found.estimate == pytest.approx((1.5 + 0.15) / (1.0 + 0.15))


def test_one_outlier_does_not_move_the_estimate() -> None:
    usual = [block(1.5, 1.0)] * 8
    assert estimate.speedup([*usual, block(1.0, 40.0)]).estimate == pytest.approx(1.5)


def test_a_block_whose_runs_disagree_weighs_less() -> None:
    calm = [block(1.5, 1.0)] * 4
    torn = Block(0, "ABBA", (Sample(2.0), Sample(0.5), Sample(2.0), Sample(8.0)))
    assert estimate.speedup([*calm, *[torn] * 5]).estimate == pytest.approx(1.5)


def test_a_repeated_block_does_not_count() -> None:
    spoilt = Block(0, "ABBA", (Sample(9.0), Sample(1.0), Sample(1.0), Sample(9.0)), repeated=True)
    data = noisy(1.3, 12, seed=0)
    assert estimate.speedup([*data, spoilt, spoilt]) == estimate.speedup(data)


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_too_few_blocks_give_no_interval(count: int) -> None:
    found = estimate.speedup(noisy(1.5, count, seed=0))
    assert (found.low, found.high, found.half_width) == (None, None, math.inf)
    assert estimate.verdict(found) == "inconclusive"


def test_times_without_any_noise_give_a_point() -> None:
    found = estimate.speedup([block(1.5, 1.0)] * 8)
    assert found.low == found.high == pytest.approx(1.5)


@pytest.mark.parametrize("count", [8, 12, 30])
def test_coverage_of_a_fixed_number_of_blocks(count: int) -> None:
    held = 0
    for seed in range(REPETITIONS):
        found = estimate.speedup(noisy(1.5, count, seed))
        held += found.low is None or found.high is None or found.low <= 1.5 <= found.high
    assert held / REPETITIONS >= 0.93


@pytest.mark.parametrize("world", WORLDS)
def test_coverage_and_false_verdicts_with_the_stop_rule_active(world: str) -> None:
    """Between equals; another true ratio shifts every log ratio and changes nothing else."""
    found = coverage.coverage(
        WORLDS[world], 1.0, coverage.stop_rule(1.0, 0.02), REPETITIONS, seed=1
    )
    assert 0.93 <= found.covered <= 0.98
    assert found.wrong <= 0.05
    assert found.precise > 0.5, "the stop rule did its work"


@pytest.mark.parametrize("processes", [3, 5])
@pytest.mark.parametrize("between", [0.0, 0.05])
def test_coverage_over_processes(processes: int, between: float) -> None:
    """Of the interval of the true ratio, which the printed one is made of."""
    world = World(between=between)
    found = coverage.coverage(world, 1.5, coverage.stop_rule(1.5, 0.02, processes), 300, seed=1)
    assert 0.92 <= found.covered <= 0.98


@pytest.mark.parametrize("processes", [3, 5])
@pytest.mark.parametrize(
    ("blocks", "between", "repetitions"),
    [
        (coverage.MAIN_JOB_BLOCKS, 0.0, 1000),
        (coverage.MAIN_JOB_BLOCKS, 0.03, 1000),
        (coverage.MAIN_JOB_BLOCKS, 0.1, 1000),
        (20, 0.0, 500),
        (20, 0.02, 500),
    ],
)
def test_the_next_run_lands_in_the_printed_interval(
    processes: int, blocks: int, between: float, repetitions: int
) -> None:
    """Also with time for twenty blocks a process, where some cases stop by themselves."""
    rule = coverage.stop_rule(1.5, 0.02, processes, blocks)
    _, found = coverage.intervals(World(between=between), 1.5, rule, repetitions, seed=2)
    assert 0.92 <= found["next"].held <= 0.985
    assert found["next"].half_width == pytest.approx(math.sqrt(2) * found["truth"].half_width)


def test_the_next_process_does_not_land_in_the_interval_of_a_single_one() -> None:
    rule = coverage.stop_rule(1.5, 0.02)
    found = {
        between: coverage.intervals(World(between=between), 1.5, rule, 100, seed=1)[1]["next"].held
        for between in (0.0, 0.03, 0.1)
    }
    assert found[0.0] > 0.8 > 0.5 > found[0.03] > found[0.1]


def test_the_table_of_processes_has_a_row_for_each_of_their_numbers_and_differences() -> None:
    _, _, *rows = coverage.table_of_processes(4)
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [row[:3] for row in cells] == [
        [processes, blocks, between]
        for processes, budgets in (("1", ["160"]), *((n, ["2", "160"]) for n in "358"))
        for blocks in budgets
        for between in ("0%", "3%", "10%")
    ]
    assert {len(row) for row in cells} == {10}
    assert all(float(row[3]) >= float(row[0]) for row in cells)


def test_autocorrelation_widens_the_interval() -> None:
    random = numpy.random.default_rng(0)
    steady = list(itertools.islice(synthetic.measurement(World(), 1.5, random), 100))
    swinging = sorted(steady, key=lambda item: item.log_ratio)
    assert estimate.speedup(swinging).half_width > 1.5 * estimate.speedup(steady).half_width


def test_another_confidence_gives_another_width() -> None:
    data = noisy(1.5, 40, seed=0)
    widths = [estimate.speedup(data, confidence=level).half_width for level in (0.8, 0.95, 0.99)]
    assert widths == sorted(widths)
    assert len(set(widths)) == 3


@pytest.mark.parametrize(
    ("processes", "said"),
    [
        (1, "over the blocks of a single process"),
        (2, "where the next run's estimate lies: Student's t over processes"),
        (5, "where the next run's estimate lies: Student's t over processes"),
    ],
)
def test_the_method_says_what_the_interval_stands_for(processes: int, said: str) -> None:
    found = estimate.speedup(noisy(1.2, 8, 0, processes))
    assert found.method == said
    assert found.of_next_run == (processes > 1)
    assert (found.processes, found.blocks) == (processes, 8 * processes)


def test_processes_weigh_the_same_however_many_blocks_they_have() -> None:
    data = [*[block(1.0, 1.0, process=0)] * 30, *[block(4.0, 1.0, process=1)] * 3]
    assert estimate.speedup(data).estimate == pytest.approx(2.0)


def test_what_was_held_up_does_not_count_where_processes_have_calm_blocks() -> None:
    held_up = Block(2, "ABBA", (Sample(1.0), Sample(1.0), Sample(1.0), Sample(9.0)))
    calm = [block(1.5, 1.0, process=0), block(1.6, 1.0, process=1)]
    beside = replace(held_up, process=0)
    found = estimate.speedup([*calm, held_up, beside])
    assert found.estimate == pytest.approx(math.sqrt(1.5 * 1.6))
    assert (found.processes, found.blocks) == (2, 4)


def test_where_hardly_a_block_is_calm_the_least_disturbed_ones_say_most() -> None:
    def torn(process: int, last: float) -> Block:
        return Block(process, "ABBA", (Sample(1.5), Sample(1.0), Sample(1.0), Sample(last)))

    calm, held_up = block(1.5, 1.0, process=0), [torn(process, 9.0) for process in (1, 2, 3)]
    found = estimate.speedup([calm, *held_up])
    assert found.estimate == pytest.approx(1.5, rel=0.2), "the mean of these is 3.6"
    assert found.processes == 4
    assert found.low is not None
    assert found.low < 0.5, "processes lie far apart"
    nearly = torn(0, 1.5 * math.exp(0.2))
    assert estimate.speedup([nearly, *held_up]).estimate == pytest.approx(1.7, rel=0.2)


def test_the_interval_over_processes_is_students_for_the_next_mean() -> None:
    from scipy import stats

    logs = [0.30, 0.38, 0.46]
    data = [block(math.exp(log), 1.0, process=i) for i, log in enumerate(logs)]
    next_mean = numpy.std(logs, ddof=1) * math.sqrt(1 / 3 + 1 / 3)
    low, high = stats.t.interval(0.95, 2, loc=0.38, scale=next_mean)
    found = estimate.speedup(data)
    assert (found.low, found.high) == pytest.approx((math.exp(low), math.exp(high)))
    assert found.error == pytest.approx(stats.sem(logs))


@pytest.mark.parametrize(
    ("method", "processes", "blocks", "degrees", "error"),
    [
        (estimate.SINGLE_PROCESS, 1, 100, 13, 0.1 / 2.1604),
        (estimate.SINGLE_PROCESS, 1, 8, 7, 0.1 / 2.3646),
        (estimate.OVER_PROCESSES, 5, 100, 4, 0.1 / 2.7764 / math.sqrt(2)),
        ("t interval over processes", 5, 100, 4, 0.1 / 2.7764),
        ("bootstrap over processes and blocks", 5, 100, 4, 0.1 / 2.7764),
        (f"{estimate.NEXT_RUN}: in quadrature", 3, 100, 2, 0.1 / 4.3027 / math.sqrt(2)),
        ("errors of the cases added in quadrature", 3, 100, 2, 0.1 / 4.3027),
    ],
)
def test_the_standard_error_is_read_from_the_interval_by_its_method(
    method: str, processes: int, blocks: int, degrees: int, error: float
) -> None:
    low, high = math.exp(-0.08), math.exp(0.1)
    found = Speedup(1.0, low, high, 0.95, processes, blocks, method)
    assert found.degrees == degrees
    assert found.error == pytest.approx(error, rel=1e-3), "by the farther end"
    assert replace(found, low=None, high=None).error == math.inf


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
    assert estimate.verdict(interval(low, high)) == verdict


def test_orders_come_from_the_seed_and_use_both() -> None:
    def first(seed: int) -> Sequence[Order]:
        return list(itertools.islice(blocks.orders(seed), 20))

    assert first(3) == first(3)
    assert first(3) != first(4)


def test_orders_are_balanced_within_a_process_and_between_two() -> None:
    for process in range(6):
        found = list(itertools.islice(blocks.orders(7, process), 20))
        other = itertools.islice(blocks.orders(7, process ^ 1), 20)
        for pairs in (zip(found[::2], found[1::2], strict=True), zip(found, other, strict=True)):
            assert all(set(pair) == {"ABBA", "BAAB"} for pair in pairs)
