"""Processes that have memory as the system gives it, beside those that keep it."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from bench.choosing.suites import Limits
from bench.records import reading
from bench.records.journal import Journal
from bench.records.types import ComparisonRecord
from bench.running.pool import WorkerPool
from bench.running.process import WorkerDied
from bench.running.progress import PlainProgress
from bench.running.runner import Runner
from bench.running.serving import BESIDE
from bench.running.slots import Slot
from tests.records import ENVIRONMENT
from tests.workers import Notes, ScriptedWorker, comparison

SLOW = (1.9, 1.5, 1.8)
"""Of the original, process by process, as the system gives memory."""


def beside(fails_in: int | None = None) -> list[ScriptedWorker]:
    assert len(SLOW) == BESIDE

    def worker(at: int) -> ScriptedWorker:
        fails: dict[int, Exception] | None = {0: WorkerDied("gone")} if at == fails_in else None
        times = {"A": SLOW[at], "B": 1.0}
        return ScriptedWorker(lambda letter, run: times[letter], fails_in_block=fails)

    return [worker(at) for at in range(BESIDE)]


def measured(
    workers: list[ScriptedWorker], others: list[ScriptedWorker], journal: Journal
) -> list[ComparisonRecord]:
    kept, given = iter(workers), iter(others)
    runner = Runner(
        [Slot(WorkerPool(lambda *_: next(kept)), beside=WorkerPool(lambda *_: next(given)))],
        Limits(processes=2),
        seed=0,
        progress=PlainProgress(),
    )
    return runner.run([comparison()], journal)


def test_each_shows_a_block_and_none_counts_for_the_speedup() -> None:
    others, notes = beside(), Notes()
    (record,) = measured([ScriptedWorker(), ScriptedWorker()], others, notes)
    assert record.speedup is not None
    assert record.speedup.estimate == pytest.approx(1.5)
    assert record.speedup.processes == 2
    assert record.as_given is not None
    assert record.as_given.speedups == pytest.approx(list(SLOW))
    assert record.as_given.processes == list(range(BESIDE))
    assert record.as_given.seconds["original"] == [slow for slow in SLOW for _ in range(2)]
    assert [len(worker.orders) for worker in others] == [1] * BESIDE
    assert all(worker.closed for worker in others)


def test_a_block_that_was_held_up_is_run_again() -> None:
    held = ScriptedWorker(lambda letter, run: 9.0 if run == 1 else 1.5 if letter == "A" else 1.0)
    (record,) = measured([ScriptedWorker(), ScriptedWorker()], [held, *beside()[1:]], Notes())
    assert record.as_given is not None
    assert len(held.orders) == 2
    assert record.as_given.processes == list(range(BESIDE)), "what was held up does not count"
    assert record.as_given.speedups[0] == pytest.approx(1.5)


def test_where_most_blocks_are_disturbed_there_are_none() -> None:
    def restless() -> ScriptedWorker:
        return ScriptedWorker(lambda letter, run: (1.5 if letter == "A" else 1.0) * (1 + run % 3))

    (record,) = measured([restless(), restless()], [], Notes())
    assert record.status == "ok"
    assert record.as_given is None
    assert any("can't be told, since most blocks were disturbed" in w for w in record.warnings)


def test_those_whose_blocks_were_all_held_up_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0.0, 1.0)
    monkeypatch.setattr("bench.running.measuring.time.perf_counter", lambda: next(clock))

    def restless() -> ScriptedWorker:
        return ScriptedWorker(lambda letter, run: (1.5 if letter == "A" else 1.0) * (1 + run % 3))

    first, second = ScriptedWorker(), ScriptedWorker()
    (record,) = measured([first, second], [restless(), *beside()[1:]], Notes())
    assert record.as_given is not None
    assert record.as_given.processes[0] == 1
    first, second = ScriptedWorker(), ScriptedWorker()
    (record,) = measured([first, second], [restless() for _ in range(BESIDE)], Notes())
    assert record.as_given is None
    assert any("can't be told, since most blocks were disturbed" in w for w in record.warnings)


def test_one_that_fails_costs_its_line_and_not_the_speedup() -> None:
    (record,) = measured([ScriptedWorker(), ScriptedWorker()], beside(fails_in=1), Notes())
    assert record.status == "ok"
    assert record.as_given is not None
    assert record.as_given.speedups == pytest.approx([SLOW[0]])
    assert any(
        "with memory as the system gives it, a process ended early (gone)" in text
        for text in record.warnings
    )


def test_resume_goes_on_between_them(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"

    class Killed(ScriptedWorker):
        def block(self, order: str) -> dict[str, object]:
            raise KeyboardInterrupt

    with Journal(path) as journal:
        journal.begin(ENVIRONMENT)
        with pytest.raises(KeyboardInterrupt):
            measured([ScriptedWorker(), ScriptedWorker()], [*beside()[:2], Killed()], journal)
    left = reading.read(path)
    assert left.comparisons == ()
    assert sorted((part.memory or "", part.process) for part in left.parts) == [
        *(("", process) for process in range(2)),
        *(("system", process) for process in range(2)),
    ]
    again = beside()[2:]
    with Journal(path, resume=True) as journal:
        journal.begin(ENVIRONMENT)
        (record,) = measured([], again, journal)
    assert record.as_given is not None
    assert record.as_given.speedups == pytest.approx(list(SLOW))
    assert reading.read(path).parts == ()
