"""Variances within and between processes, and how many blocks a process is worth."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy
import pytest

from bench.statistics import components
from bench.statistics.blocks import Block, Sample
from bench.statistics.components import Components
from tools import synthetic
from tools.synthetic import WORLDS


def block(log_ratio: float, process: int = 0, *, repeated: bool = False) -> Block:
    slow, fast = Sample(math.exp(log_ratio)), Sample(1.0)
    return Block(process, "ABBA", (slow, fast, fast, slow), repeated)


def test_the_variances_are_those_of_the_analysis_of_variance() -> None:
    """Three groups of two, by hand: means 1, 3 and 5, each with values one beside it."""
    data = [block(mean + off, at) for at, mean in enumerate((1.0, 3.0, 5.0)) for off in (-1, 1)]
    found = components.components([*data, block(9.0, repeated=True)])
    assert found.within == pytest.approx(2.0)
    assert found.between == pytest.approx((8.0 - 2.0) / 2)
    assert (found.processes, found.blocks) == (3, 6)


@pytest.mark.parametrize("between", [0.0, 0.03, 0.1])
def test_made_up_variances_are_found_with_groups_of_unequal_size(between: float) -> None:
    world = replace(WORLDS["calm"], between=between)
    found = []
    for seed in range(200):
        random = numpy.random.default_rng(seed)
        data = [
            block
            for process in range(5)
            for block in itertools.islice(
                synthetic.measurement(world, 1.5, random, process), 5 + 8 * process
            )
        ]
        found.append(components.components(data))
    within, among = (
        numpy.mean([getattr(c, name) for c in found]) for name in ("within", "between")
    )
    assert math.sqrt(within) == pytest.approx(0.03, rel=0.05)
    assert math.sqrt(among) == pytest.approx(between, rel=0.1, abs=0.004)
    assert all(one.between >= 0 for one in found)


def test_what_can_not_be_known_is_nothing() -> None:
    assert components.components([]) == Components(0.0, 0.0, 0, 0)
    assert components.components([block(0.4)]) == Components(0.0, 0.0, 1, 1)
    alone = components.components([block(0.4), block(0.6)])
    assert alone.within == pytest.approx(0.02)
    assert alone.between == 0.0
    single = components.components([block(0.4, 0), block(0.6, 1)])
    assert single.within == 0.0
    assert single.between == pytest.approx(0.02)


def test_the_blocks_that_a_process_is_worth_make_the_mean_most_exact() -> None:
    within, between, process_cost, block_cost = 0.03**2, 0.02**2, 5.0, 0.2

    def variance(count: float) -> float:
        processes = 100 / (process_cost + count * block_cost)
        return (between + within / count) / processes

    best = components.blocks_worth(within, between, process_cost, block_cost)
    assert best == pytest.approx(7.5)
    assert variance(best) < min(variance(best * 1.1), variance(best / 1.1))


def test_a_process_is_worth_a_block_at_least_and_all_where_processes_agree() -> None:
    assert components.blocks_worth(0.01, 0.0, 1.0, 1.0) == math.inf
    assert components.blocks_worth(0.0, 0.01, 1.0, 1.0) == 1.0
    assert components.blocks_worth(0.01, 0.01, 0.0, 1.0) == 1.0


def test_a_single_process_leaves_more_unseen_than_several() -> None:
    assert components.unseen(5) == components.unseen(2) == components.BETWEEN_RUNS_SPEEDUP
    assert components.unseen(1) == pytest.approx(
        math.hypot(components.BETWEEN_SPEEDUP, components.BETWEEN_RUNS_SPEEDUP)
    )
