"""On a GPU's worlds a record holds the truth, or says why it may not; a small `make coverage`."""

from __future__ import annotations

import itertools
import math

import numpy
import pytest

from bench.statistics.stopping import StopRule
from tools import clock_coverage
from tools.clock_coverage import KINDS, OBSERVED, Row
from tools.synthetic import GPU_WORLDS, Gpu, GpuWorld

CLOCKS = [name for name, world in GPU_WORLDS.items() if len(world.speedups) > 1]
CARRIED = [name for name, world in GPU_WORLDS.items() if world.carry[0] != world.carry[1]]


def row(name: str, processes: int, repetitions: int, seconds: float = 15.0) -> Row:
    rule = StopRule.for_device("cuda:0", 0.02, seconds, processes)
    return clock_coverage.row(GPU_WORLDS[name], rule, repetitions, seed=5)


@pytest.mark.parametrize("name", CLOCKS)
def test_clocks_that_switch_are_covered_or_warned_of(name: str) -> None:
    one = row(name, processes=1, repetitions=60)
    assert one.truth < 0.95, "else there is nothing to warn of"
    assert one.truth_or_warned >= 0.95


@pytest.mark.parametrize("name", ["clocks 8 % apart, 3 s", "levels alike, 30 s"])
def test_five_processes_cover_what_one_does_not(name: str) -> None:
    found = row(name, processes=5, repetitions=30)
    assert found.truth >= 0.8
    assert found.truth_or_warned >= 0.9, "in a thousand it is 95 %"
    assert found.warned["of one process"] == found.warned["few agree"] == 0


@pytest.mark.parametrize(("dwell", "seen"), [("0.3 s", 0.85), ("3 s", 0.5)])
def test_clocks_that_switch_while_they_are_measured_are_seen(dwell: str, seen: float) -> None:
    """A process of 3 s meets no change of states that last as long in a third of all runs."""
    for which in ("clocks 8 % apart", "levels alike"):
        found = row(f"{which}, {dwell}", processes=1, repetitions=100)
        assert found.seen >= seen
        assert found.warned["a stretch"] >= 0.45


def test_three_processes_that_met_the_same_clocks_are_warned_of() -> None:
    found = row("levels alike, 30 s", processes=3, repetitions=40, seconds=9)
    assert found.seen < 0.9
    assert found.truth_or_warned >= 0.95


@pytest.mark.parametrize("name", CARRIED)
def test_a_carry_over_of_one_per_cent_is_seen(name: str) -> None:
    found = row(name, processes=1, repetitions=40)
    assert found.truth <= 0.05
    assert found.warned["carry-over"] >= (0.6 if "ten times" in name else 0.95)
    assert found.truth_or_warned >= 0.95


@pytest.mark.parametrize("name", ["carry-over: both +1 %", "carry-over: both -1 %"])
def test_what_slows_both_alike_is_covered(name: str) -> None:
    assert row(name, processes=1, repetitions=100).truth >= 0.9


@pytest.mark.parametrize(
    ("processes", "repetitions", "always"), [(1, 200, ["of one process"]), (5, 20, [])]
)
def test_a_calm_gpu_is_not_warned_of(processes: int, repetitions: int, always: list[str]) -> None:
    found = row("calm", processes, repetitions)
    most = {"carry-over": 0.08, "a stretch": 0.01, "alone": 0.05}
    assert list(most) == list(OBSERVED)
    for kind in KINDS:
        assert found.warned[kind] <= most.get(kind, float(kind in always))
        assert (found.warned[kind] == 1.0) == (kind in always)
    assert found.truth >= 0.9


def test_every_kind_of_warning_is_known_by_its_words() -> None:
    """What the table counts is what records say."""
    met = dict.fromkeys(KINDS, 0.0)
    for name, processes, seconds in (
        ("clocks 8 % apart, 0.3 s", 1, 15.0),
        ("carry-over: +1 % and -1 %", 1, 15.0),
        ("calm", 3, 9.0),
    ):
        for kind, share in row(name, processes, 20, seconds).warned.items():
            met[kind] += share
    assert all(met.values())


def test_the_true_ratio_is_that_of_long_runs_alone() -> None:
    world = GpuWorld((1.5, 1.2), (0.02, 0.03), dwell=0.5)
    means = []
    for letter in "AB":
        gpu = Gpu(world, numpy.random.default_rng(0))
        seconds = [gpu.alone({"A": 0, "B": 0, letter: 20_000})[0 if letter == "A" else 1].seconds]
        means.append(numpy.mean(seconds))
    assert means[0] / means[1] == pytest.approx(world.truth, rel=0.01)


def test_a_state_lasts_as_long_as_it_should() -> None:
    world = GpuWorld((1.0, 1.0), (0.01, 0.02), dwell=3.0, spread=0.0)
    gpu = Gpu(world, numpy.random.default_rng(1))
    runs = [s.seconds for b in itertools.islice(gpu.blocks(), 40_000) for s in b.samples]
    slow = [seconds > 0.0199 for seconds in runs]
    changes = sum(one != other for one, other in itertools.pairwise(slow))
    assert math.fsum(runs) / changes == pytest.approx(3.0, rel=0.1)


def test_the_table_has_a_row_for_each_world_and_question() -> None:
    head, rule, *rows = clock_coverage.table(1)
    assert len(rows) == sum(2 if any(w.carry) else 5 for w in GPU_WORLDS.values())
    assert {line.count("|") for line in (head, rule, *rows)} == {head.count("|")}
    assert {row.split(" | ")[0].strip("| ") for row in rows} == set(GPU_WORLDS)
