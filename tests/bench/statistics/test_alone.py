"""Each variant run alone, held against the speedup of the blocks."""

from __future__ import annotations

import math

import numpy
import pytest
from scipy import stats

from bench.statistics import alone, diagnosis
from bench.statistics.alone import FEWEST_RUNS, MOST_RUNS, Stretch
from bench.statistics.blocks import ORDERS, Block, Sample
from bench.statistics.estimate import Speedup


def stretches(*levels: float, process: int = 0) -> list[Stretch]:
    """Of these levels, each after a first run that still follows the other variant."""
    return [
        Stretch(process, letter, [9.0, *(level * (1 + i / 100) for i in (-2, 0, 1, 2, -1))])
        for letter, level in zip(alone.ORDER, levels, strict=True)
    ]


def blocks(baseline: float, variant: float) -> list[Block]:
    times = {"A": baseline, "B": variant}
    return [Block(0, o, tuple(Sample(times[x]) for x in o)) for o in ORDERS * 4]


def test_the_ratio_is_of_runs_after_their_own_kind() -> None:
    found = alone.alone(stretches(1.5, 1.0, 1.0, 1.5))
    assert found is not None
    assert found.ratio == pytest.approx(1.5)
    assert found.half_width == pytest.approx(0.0, abs=1e-12)


def test_the_level_of_a_stretch_leaves_out_its_first_run() -> None:
    assert Stretch(0, "A", [9.0, 1.0, 2.0, 3.0]).level == pytest.approx(math.log(2.0))


def test_a_drift_cancels_and_widens() -> None:
    found = alone.alone(stretches(*(level * 1.01**i for i, level in enumerate((1.5, 1, 1, 1.5)))))
    assert found is not None
    assert found.ratio == pytest.approx(1.5)
    assert found.half_width > math.log(1.01)


def test_the_interval_holds_the_ratio_as_often_as_it_says() -> None:
    """Normal stretches, of one process and of three."""
    for processes in (1, 3):
        held = 0
        for seed in range(1000):
            random = numpy.random.default_rng([processes, seed])
            data = [
                stretch
                for process in range(processes)
                for stretch in stretches(
                    *numpy.exp(0.01 * random.standard_normal(4)), process=process
                )
            ]
            found = alone.alone(data)
            assert found is not None
            held += abs(math.log(found.ratio)) <= found.half_width
        low, high = stats.binom.interval(0.999, 1000, 0.95)
        assert low <= held <= high


def test_without_stretches_there_is_nothing_to_hold() -> None:
    assert alone.alone([]) is None


@pytest.mark.parametrize(
    ("baseline", "variant", "share", "runs"),
    [
        (0.03, 0.02, 15.0, {"A": 8, "B": 12}),
        (0.05, 0.04, 15.0, {"A": FEWEST_RUNS, "B": 6}),
        (1e-4, 1e-4, 15.0, {"A": MOST_RUNS, "B": MOST_RUNS}),
        (0.03, 0.02, 3.0, {"A": 6, "B": 9}),  # a quarter of three seconds, in four
        (0.2, 0.2, 15.0, {}),  # twenty runs take four seconds
    ],
)
def test_stretches_take_a_quarter_of_a_second_and_no_more_than_their_share(
    baseline: float, variant: float, share: float, runs: dict[str, int]
) -> None:
    assert alone.runs(blocks(baseline, variant), share) == runs


def test_no_block_that_counts_no_stretch() -> None:
    assert alone.runs([], 15.0) == {}


def test_a_ratio_outside_the_interval_is_told() -> None:
    interval = Speedup(1.5, 1.49, 1.51, 0.95, 1, 100, "made up")
    data = blocks(1.5, 1.0)

    def said(*levels: float) -> list[str]:
        found = diagnosis.diagnose(data, stretches=stretches(*levels))
        return diagnosis.warnings(found, data, [], interval)

    (warning,) = said(1.55, 1.0, 1.0, 1.55)
    assert "the ratio was 1.550" in warning
    assert said(1.505, 1.0, 1.0, 1.505) == []
    assert said(1.50, 1.0, 1.0, 1.60) == [], "its own stretches lie as far apart"
