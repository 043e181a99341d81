"""What a run leaves for the next one, and what that does to a speedup."""

from __future__ import annotations

import itertools
import math

import numpy
import pytest

from bench.statistics import diagnosis, estimate
from bench.statistics.blocks import ORDERS, Block, Sample
from bench.statistics.carry_over import CarryOver, carry_over
from tools.synthetic import Gpu, GpuWorld


def exact(
    baseline: float, variant: float, *, drift: float = 0.0, slots: tuple[float, ...] = (0.0,) * 4
) -> list[Block]:
    """Sixteen blocks without noise in which runs after the other variant take so much longer."""
    carried, letters = {"A": baseline, "B": variant}, {"A": 1.5, "B": 1.0}
    found, before, run = [], "", 0
    for order in (ORDERS * 8)[:16]:
        samples = []
        for slot, letter in enumerate(order):
            log = carried[letter] * (before not in ("", letter)) + drift * run + slots[slot]
            samples.append(Sample(letters[letter] * math.exp(log)))
            before, run = letter, run + 1
        found.append(Block(0, order, tuple(samples)))
    return found


@pytest.mark.parametrize("drift", [0.0, 0.002])
@pytest.mark.parametrize(("baseline", "variant"), [(0.01, 0.0), (0.0, -0.02), (0.01, 0.01)])
def test_each_variants_own_is_told_from_a_drift(
    baseline: float, variant: float, drift: float
) -> None:
    found = carry_over(exact(baseline, variant, drift=drift))
    assert found is not None
    assert (found.baseline, found.variant) == pytest.approx((baseline, variant), abs=1e-12)


def test_the_bias_is_what_the_estimate_is_off_by() -> None:
    """Whole, where it counts: the noise is small, but the estimate is the procedure's own."""
    world = GpuWorld(carry=(0.03, -0.01), spread=1e-5)
    blocks = list(itertools.islice(Gpu(world, numpy.random.default_rng(0)).blocks(), 400))
    found = carry_over(blocks)
    assert found is not None
    off = math.log(numpy.mean([math.exp(block.log_ratio) for block in blocks]) / 1.5)
    assert found.bias == pytest.approx(off, rel=0.01)
    assert found.bias == pytest.approx(0.04 * 2.75 / 4, rel=0.05), "3 of 4 blocks follow the other"


def test_what_the_slots_do_biases_nothing() -> None:
    found = carry_over(exact(0.0, 0.0, slots=(0.05, 0.01, -0.03, 0.02)))
    assert found is not None
    assert found.bias == pytest.approx(0.0, abs=1e-12)


def test_what_slows_both_alike_cancels() -> None:
    found = carry_over(exact(0.02, 0.02))
    assert found is not None
    assert found.bias == pytest.approx(0.0, abs=1e-12)


def test_a_run_that_was_held_up_moves_nothing() -> None:
    blocks = exact(0.01, 0.0)
    first, second, _, last = blocks[4].samples
    blocks[4] = Block(0, blocks[4].order, (first, second, Sample(40.0), last))
    found = carry_over(blocks)
    assert found is not None
    assert found.baseline == pytest.approx(0.01, abs=1e-12)


def test_three_blocks_of_either_order_are_needed() -> None:
    assert carry_over(exact(0.01, 0.0)[:5]) is None
    assert carry_over(exact(0.01, 0.0)[:6]) is not None


def test_repeated_blocks_do_not_count() -> None:
    blocks = exact(0.01, 0.0)
    spoilt = [Block(0, order, (Sample(9.0), *[Sample(1.0)] * 3), repeated=True) for order in ORDERS]
    assert carry_over([*blocks, *spoilt]) == carry_over(blocks)


@pytest.mark.parametrize(
    ("bias", "its_half_width", "half_width", "told"),
    [
        (0.01, 0.005, 0.01, True),
        (-0.01, 0.005, 0.01, True),
        (0.01, 0.011, 0.001, False),  # not told from none
        (0.01, 0.005, 0.03, False),  # little beside the interval
    ],
)
def test_a_bias_is_told_where_it_is_seen_and_matters(
    bias: float, its_half_width: float, half_width: float, told: bool
) -> None:
    found = CarryOver(0.0, 0.0, 0.0, 0.0, bias, its_half_width)
    ends = math.exp(-half_width), math.exp(half_width)
    interval = estimate.Speedup(1.0, *ends, 0.95, 1, 100, "made up")
    assert found.biases(interval) is told


def test_the_warning_names_the_bias_and_the_ratio_without_it() -> None:
    blocks = exact(0.1, 0.0)
    interval = estimate.speedup(blocks)
    found = diagnosis.diagnose(blocks)
    (said,) = (
        text
        for text in diagnosis.warnings(found, blocks, [], interval)
        if "which variant ran before" in text
    )
    assert found.carry_over is not None
    assert f"{100 * math.expm1(found.carry_over.bias):.1f} %" in said
    assert "quote 1.5" in said
