"""The runner's decisions, with a scripted worker in place of a process."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from bench.cases import Comparison
from bench.records import reading
from bench.records.journal import Journal
from bench.records.types import ComparisonRecord, ProcessRecord
from bench.running.measuring import MAX_WARMUP_BLOCKS
from bench.running.process import WorkerDied, WorkerTimeout
from bench.running.progress import PlainProgress
from tests.records import ENVIRONMENT
from tests.workers import (
    FEWEST_BLOCKS,
    PREPARED,
    WARMUP_BLOCKS,
    Notes,
    ScriptedWorker,
    comparison,
    measure,
    runner,
)


def test_samples_are_recorded_in_the_order_they_were_run() -> None:
    worker = ScriptedWorker(lambda letter, run: run / 1024 + (1024.0 if letter == "A" else 512.0))
    record = measure(worker, max_seconds=1e6, timeout=1e9)
    warmup = record.warmup_runs // 2
    measured = worker.orders[warmup:]
    assert record.order == measured
    first_run = 4 * warmup
    runs = [(letter, first_run + i) for i, letter in enumerate("".join(measured))]
    for variant, first in (("A", 1024.0), ("B", 512.0)):
        expected = [first + run / 1024 for letter, run in runs if letter == variant]
        assert record.seconds[{"A": "original", "B": "semi-backward"}[variant]] == expected
    assert record.processes == [0] * len(measured)


def test_the_same_seed_draws_the_same_orders() -> None:
    first, second = ScriptedWorker(), ScriptedWorker()
    measure(first)
    measure(second)
    assert first.orders == second.orders


def test_steady_times_stop_as_precise_after_the_fewest_blocks() -> None:
    record = measure(ScriptedWorker())
    assert (record.status, record.verdict, record.stop_reason) == ("ok", "faster", "precise")
    assert len(record.order) == FEWEST_BLOCKS
    assert record.speedup is not None
    assert record.speedup.estimate == pytest.approx(1.5)
    assert record.warnings == ["beware"]
    assert record.case.library_version == "1.0"


def test_a_spent_budget_stops_a_noisy_case(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0.0, 1.0)
    monkeypatch.setattr("bench.running.measuring.time.perf_counter", lambda: next(clock))
    worker = ScriptedWorker(times=lambda letter, run: 1.0 + (run * 7 % 5))
    record = measure(worker, max_seconds=30, timeout=1e9)
    assert record.stop_reason == "budget"
    assert record.status == "ok"


def test_each_process_is_a_fresh_worker_with_orders_of_its_own() -> None:
    workers = [ScriptedWorker() for _ in range(3)]
    record = measure(iter(workers), processes=3)
    assert [worker.closed for worker in workers] == [True, True, False]
    assert sorted(set(record.processes)) == [0, 1, 2]
    assert workers[0].orders != workers[1].orders
    assert record.speedup is not None
    assert record.speedup.processes == 3


def test_host_time_is_kept_where_there_is_one() -> None:
    assert measure(ScriptedWorker()).host_seconds is None
    record = measure(ScriptedWorker(host=0.5))
    assert record.host_seconds is not None
    assert record.host_seconds["original"] == [0.5] * (2 * FEWEST_BLOCKS)


def test_unequal_outputs_are_never_timed() -> None:
    prepared = {
        **PREPARED,
        "equality": {"equal": False, "bitwise": False, "max_abs_diff": 0.1},
        "unequal": "differs by up to 0.1",
    }
    worker = ScriptedWorker(prepared=prepared)
    record = measure(worker)
    assert (record.status, record.reason) == ("unequal", "differs by up to 0.1")
    assert (record.speedup, record.verdict, worker.orders) == (None, None, [])
    assert record.equality is not None
    assert record.equality.max_abs_diff == 0.1


@pytest.mark.parametrize(
    ("failure", "status", "said"),
    [
        (WorkerDied("the worker process was killed by SIGKILL"), "failed", "SIGKILL"),
        (WorkerTimeout(), "timeout", "--timeout"),
    ],
)
def test_a_lost_worker_ends_its_case_and_not_the_run(
    tmp_path: Path, failure: Exception, status: str, said: str
) -> None:
    lost, fresh = ScriptedWorker(fails_in_block={3: failure}), ScriptedWorker()
    with Journal(tmp_path / "x.jsonl") as journal:
        journal.begin(ENVIRONMENT)
        asked = [comparison(model="resnet18"), comparison(model="resnet34")]
        first, second = runner(iter([lost, fresh]), processes=1).run(asked, journal)
    assert lost.closed
    assert (first.status, second.status) == (status, "ok")
    assert said in str(first.reason)
    assert len(first.order) == 3 - WARMUP_BLOCKS, "what was measured before is kept"
    assert len(reading.read(tmp_path / "x.jsonl").comparisons) == 2


@pytest.mark.parametrize("tainted", [True, False])
def test_an_exception_in_the_worker_is_a_record(tainted: bool) -> None:
    answer = {"ok": False, "status": "out-of-memory", "reason": "too big", "trace": "..."}
    broken = ScriptedWorker(refused={**answer, "tainted": tainted})
    record = measure(broken)
    assert (record.status, record.reason) == ("out-of-memory", "too big")
    assert broken.closed == tainted


def test_a_worker_serves_all_cases_of_its_library_and_no_other(tmp_path: Path) -> None:
    workers = [ScriptedWorker(), ScriptedWorker()]
    asked = [
        comparison("foolbox", "resnet18"),
        comparison("art", "resnet18"),
        comparison("foolbox", "resnet34"),
    ]
    with Journal(tmp_path / "x.jsonl") as journal:
        journal.begin(ENVIRONMENT)
        runner(iter(workers), processes=1).run(asked, journal)
    assert [worker.prepared_for for worker in workers] == [["foolbox", "foolbox"], ["art"]]


def test_a_worker_whose_settings_a_case_changed_is_replaced(tmp_path: Path) -> None:
    workers = [ScriptedWorker(stale=True), ScriptedWorker()]
    asked = [comparison(model="resnet18"), comparison(model="resnet34")]
    written = runner(iter(workers), processes=1).run(asked, Notes())
    assert [record.status for record in written] == ["ok", "ok"]
    assert workers[0].closed
    assert len(workers[1].prepared_for) == 1


def test_resume_measures_what_is_missing_and_what_failed(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    asked = [comparison(model=name) for name in ("resnet18", "resnet34", "resnet50")]
    failing = ScriptedWorker(fails_in_block={0: WorkerDied("gone")})
    with Journal(path) as journal:
        journal.begin(ENVIRONMENT)
        runner(iter([failing, ScriptedWorker()]), processes=1).run(asked[:2], journal)
    with Journal(path, resume=True) as journal:
        journal.begin(ENVIRONMENT)
        again = runner(ScriptedWorker(), processes=1).run(asked, journal)
    assert [record.case.model for record in again] == ["resnet18", "resnet50"]
    found = reading.read(path)
    assert [record.status for record in found.comparisons] == ["ok"] * 3


def test_each_record_is_on_disk_before_the_next_case_starts(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    seen: list[int] = []

    class Watching(PlainProgress):
        def begin(self, comparison: Comparison, number: int, total: int) -> None:
            seen.append(len(reading.read(path).comparisons))

        def end(self, record: ComparisonRecord) -> None:
            seen.append(len(reading.read(path).comparisons))

    with Journal(path) as journal:
        journal.begin(ENVIRONMENT)
        run = runner(ScriptedWorker(), processes=1)
        run.progress = Watching()
        run.run([comparison(model="resnet18"), comparison(model="resnet34")], journal)
    assert seen == [0, 1, 1, 2]


@pytest.mark.parametrize(
    ("times", "blocks", "settled"),
    [
        ([8.0, 4.0, 2.0, 1.0, 1.01], 5, True),
        ([1.0, 1.2] * MAX_WARMUP_BLOCKS, MAX_WARMUP_BLOCKS, False),
    ],
)
def test_warm_up_lasts_until_two_blocks_agree(
    times: list[float], blocks: int, settled: bool
) -> None:
    def time(letter: str, run: int) -> float:
        return times[run // 4] if run // 4 < blocks else 1.0

    record = measure(ScriptedWorker(time), max_seconds=1e6, timeout=1e9)
    assert record.warmup_runs == 2 * blocks
    assert record.diagnosis is not None
    assert record.diagnosis.settled is settled
    assert record.seconds["original"] == [1.0] * (2 * FEWEST_BLOCKS), "no warm-up run counts"


def test_warm_up_takes_no_more_than_its_share() -> None:
    worker = ScriptedWorker(lambda letter, run: 100.0 / (1 + run // 4))
    assert measure(worker, max_seconds=40).warmup_runs == 2


def test_short_blocks_are_asked_for_together() -> None:
    asked: list[int] = []

    class Counting(ScriptedWorker):
        def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
            if request["do"] == "blocks":
                asked.append(len(request["orders"]))
            return super().ask(request, timeout)

    measure(Counting(lambda letter, run: 0.001))
    assert asked == [1, 1, 50, 50], "two to warm up, and a look after each of the others"


def test_processes_are_interleaved_across_cases() -> None:
    seen: list[str] = []

    class Watching(PlainProgress):
        def begin(self, comparison: Comparison, number: int, total: int) -> None:
            seen.append(comparison.case.model)

    run = runner((ScriptedWorker() for _ in range(9)), processes=3)
    run.progress = Watching()
    notes = Notes()
    run.run([comparison(model="resnet18"), comparison(model="resnet34")], notes)
    assert seen == ["resnet18", "resnet34"] * 3
    parts = [item.process for item in notes.written if isinstance(item, ProcessRecord)]
    assert parts == [0, 0, 1, 1]
    assert [record.kind for record in notes.written[-2:]] == ["comparison"] * 2


def test_a_comparison_that_failed_has_no_further_process() -> None:
    workers = [ScriptedWorker(fails_in_block={0: WorkerDied("gone")})]
    workers += [ScriptedWorker() for _ in range(4)]
    run = runner(iter(workers), processes=3)
    first, second = run.run([comparison(model="resnet18"), comparison(model="resnet34")], Notes())
    assert (first.status, second.status) == ("failed", "ok")
    assert sum(bool(worker.prepared_for) for worker in workers) == 4


def test_resume_goes_on_between_processes(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    asked = [comparison(model="resnet18"), comparison(model="resnet34")]

    class Killed(ScriptedWorker):
        def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
            raise KeyboardInterrupt

    with Journal(path) as journal:
        journal.begin(ENVIRONMENT)
        workers = iter([ScriptedWorker(), ScriptedWorker(), ScriptedWorker(), Killed()])
        with pytest.raises(KeyboardInterrupt):
            runner(workers, processes=3).run(asked, journal)
    assert [part.process for part in reading.read(path).parts] == [0, 1, 0]
    fresh = [ScriptedWorker() for _ in range(3)]
    with Journal(path, resume=True) as journal:
        journal.begin(ENVIRONMENT)
        again = runner(iter(fresh), processes=3).run(asked, journal)
    assert [len(set(record.processes)) for record in again] == [3, 3]
    assert all(worker.prepared_for for worker in fresh)
    assert reading.read(path).parts == ()


def test_resume_with_fewer_processes_takes_those_that_ran(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    notes = Notes()
    runner(iter([ScriptedWorker(), ScriptedWorker()]), processes=2).run([comparison()], notes)
    with Journal(path) as journal:
        journal.begin(ENVIRONMENT)
        journal.append(notes.written[0])
    with Journal(path, resume=True) as journal:
        journal.begin(ENVIRONMENT)
        (record,) = runner(iter([]), processes=1).run([comparison()], journal)
    assert (record.status, set(record.processes)) == ("ok", {0})


def test_a_failure_in_a_later_process_keeps_what_was_measured() -> None:
    lost = ScriptedWorker(fails_in_block={3: WorkerDied("gone")})  # which needs no warm-up
    record = measure(iter([ScriptedWorker(), lost]), processes=2)
    assert (record.status, record.speedup) == ("failed", None)
    assert (record.processes.count(0), record.processes.count(1)) == (FEWEST_BLOCKS, 3)


def test_processes_that_differ_by_more_than_was_asked_say_so() -> None:
    def worker(ratio: float) -> ScriptedWorker:
        return ScriptedWorker(lambda letter, run: ratio if letter == "A" else 1.0)

    record = measure(iter([worker(ratio) for ratio in (1.3, 1.5, 1.7)]), processes=3)
    assert record.stop_reason == "processes"
    assert record.speedup is not None
    assert record.speedup.of_next_run
