"""Blocks that a throttled GPU, or a stranger on it, spoilt are run again; a scripted worker's."""

from __future__ import annotations

import pytest

from bench.running.measuring import MAX_REPEATED
from tests.workers import FEWEST_BLOCKS, WARMUP_BLOCKS, ScriptedWorker, measure


def test_a_throttled_block_is_run_again_and_does_not_count() -> None:
    def time(letter: str, run: int) -> float:
        spoilt = run // 4 - WARMUP_BLOCKS in (3, 7)
        return (9.0 if spoilt else 1.5) if letter == "A" else 1.0

    worker = ScriptedWorker(time, host=0.5, throttled=lambda block: block - WARMUP_BLOCKS in (3, 7))
    record = measure(worker)
    assert record.repeated == [3, 7]
    assert record.speedup is not None
    assert record.speedup.estimate == pytest.approx(1.5)
    assert record.speedup.blocks == FEWEST_BLOCKS
    assert len(record.order) == FEWEST_BLOCKS + 2, "they are kept"
    assert record.gpu is not None
    assert record.gpu[3] is not None
    assert record.gpu[3].reasons == ("hardware slowdown",)
    assert any("throttled" in warning for warning in record.warnings)


def test_a_gpu_that_is_always_throttled_is_measured_all_the_same() -> None:
    record = measure(ScriptedWorker(host=0.5, throttled=lambda block: True))
    assert len(record.repeated) == MAX_REPEATED
    assert record.speedup is not None
    assert record.speedup.blocks == FEWEST_BLOCKS


def test_a_block_beside_a_stranger_is_run_again_and_does_not_count() -> None:
    def beside(block: int) -> int:
        return {3: 1, 7: 2}.get(block - WARMUP_BLOCKS, 0)

    def time(letter: str, run: int) -> float:
        return (9.0 if beside(run // 4) else 1.5) if letter == "A" else 1.0

    record = measure(ScriptedWorker(time, host=0.5, strangers=beside))
    assert record.repeated == [3, 7]
    assert record.speedup is not None
    assert record.speedup.estimate == pytest.approx(1.5)
    assert record.speedup.blocks == FEWEST_BLOCKS
    assert record.gpu is not None
    states = [record.gpu[index] for index in (2, 3, 7)]
    assert [state.strangers for state in states if state is not None] == [0, 1, 2]
    (said,) = [warning for warning in record.warnings if "this GPU" in warning]
    assert said.startswith("2 other processes used this GPU (python) beside some blocks")
    assert not any("throttled" in warning for warning in record.warnings)


def test_throttled_blocks_and_those_beside_strangers_share_one_limit() -> None:
    def beside(block: int) -> int:
        return block % 2

    worker = ScriptedWorker(host=0.5, throttled=lambda block: not block % 2, strangers=beside)
    record = measure(worker)
    assert len(record.repeated) == MAX_REPEATED
    assert record.speedup is not None
    assert record.speedup.blocks == FEWEST_BLOCKS
    told = [text for text in record.warnings if "more blocks than are run again" in text]
    assert len(told) == 2
    assert "1 other process used this GPU (python)" in told[0]
    assert "the GPU was throttled" in told[1]
