"""The energy of runs: from samples to what a record has of it, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.duel.contest import as_duel
from bench.records import reading
from bench.records.types import ComparisonRecord
from bench.statistics import energy
from bench.statistics.blocks import Block, Order, Sample
from bench.statistics.energy import Energy
from tests.records import write
from tests.workers import PREPARED, ScriptedWorker, measure

NAMES = ("original", "semi-backward")


def block(order: Order, *joules: float | None, repeated: bool = False) -> Block:
    samples = tuple(Sample(1.0, joules=one) for one in joules)
    return Block(0, order, samples, repeated=repeated)


def test_joules_are_told_in_the_order_of_the_runs_and_their_ratio_is_of_the_sums() -> None:
    blocks = [block("ABBA", 3.0, 2.0, 2.5, 4.0), block("BAAB", 1.5, 3.0, 2.0, 2.0)]
    found = energy.of(blocks, NAMES, 0.1)
    joules = {"original": [3.0, 4.0, 3.0, 2.0], "semi-backward": [2.0, 2.5, 1.5, 2.0]}
    assert found == Energy(joules, 12.0 / 8.0, 0.1)


def test_runs_of_a_repeated_block_are_kept_and_do_not_count() -> None:
    spoilt = block("ABBA", 90.0, 10.0, 10.0, 90.0, repeated=True)
    found = energy.of([spoilt, block("ABBA", 3.0, 2.0, 2.0, 3.0)], NAMES, None)
    assert found is not None
    assert found.joules["original"] == [90.0, 90.0, 3.0, 3.0]
    assert found.ratio == pytest.approx(1.5)


@pytest.mark.parametrize(
    "blocks", [[], [block("ABBA", None, None, None, None)], [block("ABBA", 1.0, 1.0, None, 1.0)]]
)
def test_a_run_without_joules_leaves_no_energy(blocks: list[Block]) -> None:
    assert energy.of(blocks, NAMES, None) is None


def test_a_counter_that_never_moved_has_no_ratio() -> None:
    found = energy.of([block("ABBA", 0.0, 0.0, 0.0, 0.0)], NAMES, 0.5)
    assert found is not None
    assert found.ratio is None


@pytest.mark.parametrize(
    ("period", "seconds", "told"),
    [(0.1, 2.0, ""), (0.1, 0.5, "known to 20 % at best"), (0.1, 0.05, "known to 200 %")],
)
def test_runs_that_are_short_for_the_counter_are_told(
    period: float, seconds: float, told: str
) -> None:
    found = Energy({}, 1.5, period)
    said = energy.warnings(found, {"original": [9.0] * 3, "semi-backward": [seconds] * 3})
    assert bool(said) == bool(told)
    assert all(told in text and "raise --batch or --steps" in text for text in said)
    assert energy.warnings(Energy({}, 1.5, None), {"original": [seconds]}) == []
    assert energy.warnings(None, {"original": [seconds]}) == []


def measured(period: float = 0.05, **worker: Any) -> ComparisonRecord:
    told = {**PREPARED, "energy_period": period}
    return measure(
        ScriptedWorker(
            host=0.5,
            joules=lambda letter, run: {"A": 300.0, "B": 200.0}[letter],
            prepared=told,
            **worker,
        )
    )


def test_a_run_of_the_bench_has_energy_in_its_record_and_reads_back(tmp_path: Path) -> None:
    record = measured()
    assert record.energy is not None
    assert len(record.energy.joules["original"]) == len(record.seconds["original"])
    assert (record.energy.ratio, record.energy.period) == (1.5, 0.05)
    assert not any("counter of energy" in text for text in record.warnings)
    (again,) = reading.read(write(tmp_path / "x.jsonl", [record])).comparisons
    assert again.energy == record.energy


def test_a_coarse_counter_is_told_in_the_record() -> None:
    record = measured(period=0.5)
    assert [text for text in record.warnings if "counter of energy is updated every 0.5 s" in text]


def test_where_nobody_counts_there_is_none() -> None:
    assert measure(ScriptedWorker()).energy is None


def test_a_duel_calls_its_sides_a_and_b() -> None:
    record = measured()
    assert record.energy is not None
    of_rivals = {"original": [3.0], "rival": [2.0]}
    record = replace(record, energy=replace(record.energy, joules=of_rivals))
    duel = as_duel(record, {})
    assert duel.energy is not None
    assert duel.energy.joules == {"a": [3.0], "b": [2.0]}
