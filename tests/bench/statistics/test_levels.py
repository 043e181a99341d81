"""Stretches of a run whose speedup was another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy
import pytest

from bench.statistics import diagnosis, estimate, levels
from bench.statistics.blocks import ORDERS, Block, Sample
from tools import coverage
from tools.synthetic import WORLDS, Gpu, GpuWorld


def blocks(ratios: Sequence[float], *, noise: float = 0.003, seed: int = 0) -> list[Block]:
    """One for each ratio, with a little noise on every run."""
    random, orders, found = numpy.random.default_rng(seed), itertools.cycle(ORDERS), []
    for ratio in ratios:
        order = next(orders)
        times = {"A": ratio, "B": 1.0}
        logs = noise * random.standard_normal(4)
        samples = (
            Sample(times[letter] * math.exp(log)) for letter, log in zip(order, logs, strict=True)
        )
        found.append(Block(0, order, tuple(samples)))
    return found


def outside(found: Sequence[Block]) -> bool:
    level = levels.farthest(found)
    return level is not None and level.outside(estimate.speedup(found))


@pytest.mark.parametrize(
    "ratios",
    [
        [1.5] * 27 + [1.46] * 3,  # short, at the end
        [1.46] * 15 + [1.5] * 20,
        ([1.5] * 5 + [1.46] * 4) * 4 + [1.5] * 9,
    ],
)
def test_a_stretch_with_another_speedup_is_found(ratios: list[float]) -> None:
    found = blocks(ratios)
    level = levels.farthest(found)
    assert level is not None
    assert outside(found)
    assert abs(level.away) == pytest.approx(math.log(1.5 / 1.46), rel=0.2)


def test_a_small_change_that_lasts_is_found_in_longer_stretches() -> None:
    found = blocks([1.5] * 300 + [1.49] * 100)
    level = levels.farthest(found)
    assert level is not None
    assert level.blocks > 9
    assert outside(found)


def test_no_stretch_stands_out_of_nothing_but_noise() -> None:
    told = [outside(blocks([1.5] * count, seed=s)) for count in (12, 30, 200) for s in range(100)]
    assert sum(told) <= 3


@pytest.mark.parametrize("world", WORLDS)
def test_noise_in_stretches_is_no_other_speedup(world: str) -> None:
    told = 0
    for seed in range(60):
        random = numpy.random.default_rng([1, seed])
        rule = coverage.stop_rule(1.5, 0.02)
        found, interval, _ = coverage.measure(WORLDS[world], 1.5, rule, random)
        level = levels.farthest(found)
        told += level is not None and level.outside(interval)
    assert told <= 3


def test_the_parts_of_a_case_may_gain_differently() -> None:
    one, other = blocks([1.5] * 40), blocks([1.2] * 40, seed=1)
    mixed = [
        Block(0, block.order, block.samples, part=part)
        for pair in zip(one, other, strict=True)
        for part, block in enumerate(pair)
    ]
    apart = [*mixed[::2], *mixed[1::2]]
    for found in (mixed, apart):
        level = levels.farthest(found)
        assert level is not None
        assert abs(level.away) < level.noise


def test_a_process_is_held_against_itself() -> None:
    data = [
        Block(process, block.order, block.samples)
        for process, ratio in ((0, 1.5), (1, 1.46))
        for block in blocks([ratio] * 20, seed=process)
    ]
    assert not outside(data), "what processes differ by is in the interval"
    assert levels.farthest(data[:5]) is None


def test_the_warning_takes_the_place_of_that_of_resemblance() -> None:
    world = GpuWorld((1.5, 1.46), (0.02, 0.0216), 1.0)
    found = list(itertools.islice(Gpu(world, numpy.random.default_rng(3)).blocks(), 100))
    told = diagnosis.diagnose(found)
    assert (told.autocorrelation or 0) > diagnosis.AUTOCORRELATION
    said = diagnosis.warnings(told, found, [], estimate.speedup(found))
    assert any("in a stretch of the run" in text and "--processes 5" in text for text in said)
    assert not any("resemble" in text for text in said)
    assert any("resemble" in text for text in diagnosis.warnings(told, found, []))
