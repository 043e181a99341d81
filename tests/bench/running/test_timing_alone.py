"""On CUDA each variant runs alone after the blocks; a scripted worker stands for the GPU."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.cases import Comparison
from bench.records import reading
from bench.records.journal import Journal
from bench.records.reading import RecordError
from bench.records.types import ComparisonRecord
from bench.running import timing_alone
from bench.statistics.blocks import Block, Sample
from bench.statistics.stopping import CUDA_SECONDS
from tests.cases import image_case
from tests.records import ENVIRONMENT
from tests.workers import Notes, ScriptedWorker, runner


def on(device: str) -> Comparison:
    return Comparison(image_case(device=device), "semi-backward")


def short(letter: str, run: int) -> float:
    return 0.03 if letter == "A" else 0.02


def measure(worker: ScriptedWorker, device: str = "cuda:0", **limits: Any) -> ComparisonRecord:
    run = runner(worker, **{"processes": 1, **limits})
    (record,) = run.run([on(device)], Notes())
    blocks = sum(map(sum, record.seconds.values()))
    stretches = sum(sum(stretch.seconds) for stretch in record.alone)
    assert run.spent.measured == pytest.approx(blocks + stretches)
    return record


def block(part: int) -> Block:
    return Block(0, "ABBA", (Sample(0.02),) * 4, part=part)


def test_each_variant_runs_alone_after_the_blocks() -> None:
    worker = ScriptedWorker(short)
    record = measure(worker)
    assert [(stretch.variant, len(stretch.seconds)) for stretch in record.alone] == [
        ("A", 8),
        ("B", 12),
        ("B", 12),
        ("A", 8),
    ]
    assert worker.orders[-4:] == ["A" * 8, "B" * 12, "B" * 12, "A" * 8]
    assert len(worker.orders) - 4 - record.warmup_runs // 2 == len(record.order)
    assert record.diagnosis is not None
    assert record.diagnosis.alone is not None
    assert record.diagnosis.alone.ratio == pytest.approx(1.5)
    assert not any("ran alone" in text for text in record.warnings)


def test_another_ratio_alone_is_told() -> None:
    """A worker whose variant is slower right after its own kind, which blocks show half."""
    before = itertools.chain([""], iter(letters := []))

    def times(letter: str, run: int) -> float:
        letters.append(letter)
        follows = next(before) == letter
        return 0.03 if letter == "A" else 0.0206 if follows else 0.02

    record = measure(ScriptedWorker(times))
    assert record.diagnosis is not None
    assert record.diagnosis.alone is not None
    assert record.diagnosis.alone.ratio == pytest.approx(0.03 / 0.0206)
    assert any("where each variant ran alone" in text for text in record.warnings)
    assert any("which variant ran before" in text for text in record.warnings)


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_elsewhere_the_time_goes_into_blocks(device: str) -> None:
    record = measure(ScriptedWorker(short), device)
    assert record.alone == []
    assert record.diagnosis is not None
    assert record.diagnosis.alone is None


def test_long_runs_have_no_time_for_it() -> None:
    assert measure(ScriptedWorker(), max_seconds=60).alone == []


def test_a_throttled_stretch_is_not_held_against_anything() -> None:
    worker = ScriptedWorker(short, host=0.01)
    worker.throttled = lambda block: len(worker.orders[block]) > 4
    record = measure(ScriptedWorker(short, host=0.01))
    assert record.alone
    run = runner(worker, processes=1)
    (record,) = run.run([on("cuda:0")], Notes())
    assert (record.repeated, record.alone) == ([], [])


def test_a_stretch_beside_a_stranger_is_not_held_against_anything() -> None:
    worker = ScriptedWorker(short, host=0.01)
    worker.strangers = lambda block: int(len(worker.orders[block]) > 4)
    (record,) = runner(worker, processes=1).run([on("cuda:0")], Notes())
    assert (record.repeated, record.alone) == ([], [])


def test_a_case_in_several_parts_has_none() -> None:
    """What would follow a run of its own kind there is another part."""
    whole, divided = ([block(0), block(part)] for part in (0, 1))
    with pytest.raises(KeyError, match="blocks"):
        timing_alone.run(lambda request: {}, 0, whole, 15.0)
    assert timing_alone.run(lambda request: {}, 0, divided, 15.0) == [], "nobody was asked"


def test_a_process_on_cuda_measures_three_seconds() -> None:
    for device, least in (("cuda:0", CUDA_SECONDS), ("cpu", 0.0)):
        record = measure(ScriptedWorker(short), device)
        seconds = sum(map(sum, record.seconds.values()))
        assert record.stop_reason == "precise"
        assert seconds >= least
        assert seconds < (5 if least else 3)


def test_each_process_leaves_its_stretches_to_those_who_resume(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with Journal(path) as journal:
        journal.begin(ENVIRONMENT)
        workers = (ScriptedWorker(short) for _ in range(3))
        (record,) = runner(workers, processes=3, max_seconds=9).run([on("cuda:0")], journal)
    assert [stretch.process for stretch in record.alone] == [n for n in range(3) for _ in range(4)]
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    parts = [line for line in lines if line["kind"] == "process"]
    assert [len(part["alone"]) for part in parts] == [4, 4]
    (read,) = reading.read(path).comparisons
    assert read == record


def test_older_records_have_none(tmp_path: Path) -> None:
    record = measure(ScriptedWorker(short))
    line = json.loads(reading.to_line(record))
    del line["alone"]
    for name in ("carry_over", "level", "alone"):
        del line["diagnosis"][name]
    path = tmp_path / "old.jsonl"
    path.write_text(reading.to_line(ENVIRONMENT) + json.dumps(line) + "\n", encoding="utf-8")
    (read,) = reading.read(path).comparisons
    assert read.alone == []
    assert read.diagnosis is not None
    assert (read.diagnosis.carry_over, read.diagnosis.level) == (None, None)


def test_a_stretch_holds_times(tmp_path: Path) -> None:
    record = measure(ScriptedWorker(short))
    impossible = replace(record.alone[0], seconds=[0.0])
    path = tmp_path / "x.jsonl"
    wrong = reading.to_line(replace(record, alone=[impossible]))
    path.write_text(reading.to_line(ENVIRONMENT) + wrong, encoding="utf-8")
    with pytest.raises(RecordError, match="no time"):
        reading.read(path)
