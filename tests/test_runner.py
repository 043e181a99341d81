"""The runner's decisions, with a scripted worker in place of a process."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import records
from bench.blocks import Sample
from bench.cases import Case, Comparison
from bench.journal import Journal
from bench.process import WorkerDied, WorkerTimeout
from bench.progress import PlainProgress
from bench.records import ComparisonRecord, Environment
from bench.runner import WARMUP_BLOCKS, Runner, WorkerPool
from bench.stopping import MIN_BLOCKS
from bench.suites import Limits

PREPARED = {
    "ok": True,
    "equality": {"equal": True, "bitwise": True, "max_abs_diff": 0.0},
    "gradients": {"call": "backward", "parameters": 62, "original": 62, "semi-backward": 0},
    "theory": {"speedup": 1.5, "basis": "flops"},
    "memory": {"original": 2000, "semi-backward": 1000, "unit": "bytes", "what": "peak"},
    "warnings": ["beware"],
    "unequal": None,
    "library_version": "1.0",
    "timer": "scripted",
    "build_seconds": 0.0,
    "check_seconds": 0.0,
}

ENVIRONMENT = Environment(
    created="2026-01-01T00:00:00+00:00",
    command=["python", "-m", "bench"],
    seed=0,
    bench_version="0",
    python="3.11.7",
    platform="Linux x86_64",
    processor="a processor",
    cores=2,
    torch={"version": "2.13.0", "cuda": None, "cudnn": None},
    threads=2,
    device="cpu",
    accelerator={},
    math={},
    libraries={},
)


class ScriptedWorker:
    """Answers "prepare" with what it is given, and blocks with the next times of a script."""

    start_seconds = 0.0
    facts: dict[str, Any] = {}  # noqa: RUF012 - as the protocol has it

    def __init__(
        self,
        times: Callable[[str, int], float] = lambda letter, run: 1.5 if letter == "A" else 1.0,
        prepared: dict[str, Any] | Exception = PREPARED,
        fails_in_block: dict[int, Exception] | None = None,
        host: float | None = None,
    ) -> None:
        self.times = times
        self.prepared = prepared
        self.fails_in_block = fails_in_block or {}
        self.host = host
        self.orders: list[str] = []
        self.prepared_for: list[str] = []
        self.runs = itertools.count()
        self.closed = False

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        if request["do"] == "prepare":
            self.prepared_for.append(request["comparison"]["case"]["library"])
            if isinstance(self.prepared, Exception):
                raise self.prepared
            return self.prepared
        if len(self.orders) in self.fails_in_block:
            raise self.fails_in_block[len(self.orders)]
        self.orders.append(request["order"])
        samples = [
            Sample(self.times(letter, next(self.runs)), self.host) for letter in request["order"]
        ]
        return {"ok": True, "samples": [vars(sample) for sample in samples]}

    def close(self) -> None:
        self.closed = True


def comparison(library: str = "foolbox", model: str = "resnet18") -> Comparison:
    return Comparison(
        Case(library, "pgd", model, 4, (3, 32, 32), 5, "float32", "cpu"), "semi-backward"
    )


def runner(workers: Iterator[ScriptedWorker] | ScriptedWorker, **limits: Any) -> Runner:
    started = iter([workers]) if isinstance(workers, ScriptedWorker) else workers
    pool = WorkerPool(lambda: next(started))
    return Runner(pool, Limits(**limits), seed=0, progress=PlainProgress())


def test_samples_are_recorded_in_the_order_they_were_run() -> None:
    worker = ScriptedWorker(times=lambda letter, run: run + (100.0 if letter == "A" else 0.0))
    record = runner(worker).measure(comparison())
    measured = worker.orders[WARMUP_BLOCKS:]
    assert record.order == measured
    first_run = 4 * WARMUP_BLOCKS
    runs = [(letter, first_run + i) for i, letter in enumerate("".join(measured))]
    assert record.seconds["original"] == [100.0 + run for letter, run in runs if letter == "A"]
    assert record.seconds["semi-backward"] == [float(run) for letter, run in runs if letter == "B"]
    assert record.processes == [0] * len(measured)
    assert record.warmup_runs == 2 * WARMUP_BLOCKS


def test_the_same_seed_draws_the_same_orders() -> None:
    first, second = ScriptedWorker(), ScriptedWorker()
    runner(first).measure(comparison())
    runner(second).measure(comparison())
    assert first.orders == second.orders


def test_steady_times_stop_as_precise_after_the_fewest_blocks() -> None:
    record = runner(ScriptedWorker()).measure(comparison())
    assert (record.status, record.verdict, record.stop_reason) == ("ok", "faster", "precise")
    assert len(record.order) == MIN_BLOCKS
    assert record.speedup is not None
    assert record.speedup.estimate == pytest.approx(1.5)
    assert record.warnings == ["beware"]
    assert record.case.library_version == "1.0"


def test_a_spent_budget_stops_a_noisy_case(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0.0, 1.0)
    monkeypatch.setattr("bench.runner.time.perf_counter", lambda: next(clock))
    worker = ScriptedWorker(times=lambda letter, run: 1.0 + (run * 7 % 5))
    record = runner(worker, max_seconds=30, timeout=1e9).measure(comparison())
    assert record.stop_reason == "budget"
    assert record.status == "ok"


def test_each_process_is_a_fresh_worker_with_orders_of_its_own() -> None:
    workers = [ScriptedWorker() for _ in range(3)]
    record = runner(iter(workers), processes=3).measure(comparison())
    assert [worker.closed for worker in workers] == [True, True, False]
    assert sorted(set(record.processes)) == [0, 1, 2]
    assert workers[0].orders != workers[1].orders
    assert record.speedup is not None
    assert record.speedup.processes == 3


def test_host_time_is_kept_where_there_is_one() -> None:
    assert runner(ScriptedWorker()).measure(comparison()).host_seconds is None
    record = runner(ScriptedWorker(host=0.5)).measure(comparison())
    assert record.host_seconds is not None
    assert record.host_seconds["original"] == [0.5] * (2 * MIN_BLOCKS)


def test_unequal_outputs_are_never_timed() -> None:
    prepared = {
        **PREPARED,
        "equality": {"equal": False, "bitwise": False, "max_abs_diff": 0.1},
        "unequal": "differs by up to 0.1",
    }
    worker = ScriptedWorker(prepared=prepared)
    record = runner(worker).measure(comparison())
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
        first, second = runner(iter([lost, fresh])).run(asked, journal)
    assert lost.closed
    assert (first.status, second.status) == (status, "ok")
    assert said in str(first.reason)
    assert len(first.order) == 3 - WARMUP_BLOCKS, "what was measured before is kept"
    assert len(records.read(tmp_path / "x.jsonl").comparisons) == 2


@pytest.mark.parametrize("tainted", [True, False])
def test_an_exception_in_the_worker_is_a_record(tainted: bool) -> None:
    answer = {"ok": False, "status": "out-of-memory", "reason": "too big", "trace": "..."}
    broken = ScriptedWorker(prepared={**answer, "tainted": tainted})
    record = runner(broken).measure(comparison())
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
        runner(iter(workers)).run(asked, journal)
    assert [worker.prepared_for for worker in workers] == [["foolbox", "foolbox"], ["art"]]


def test_resume_measures_what_is_missing_and_what_failed(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    asked = [comparison(model=name) for name in ("resnet18", "resnet34", "resnet50")]
    failing = ScriptedWorker(fails_in_block={0: WorkerDied("gone")})
    with Journal(path) as journal:
        journal.begin(ENVIRONMENT)
        runner(iter([failing, ScriptedWorker()])).run(asked[:2], journal)
    with Journal(path, resume=True) as journal:
        journal.begin(ENVIRONMENT)
        again = runner(ScriptedWorker()).run(asked, journal)
    assert [record.case.model for record in again] == ["resnet18", "resnet50"]
    found = records.read(path)
    assert [record.status for record in found.comparisons] == ["ok"] * 3


def test_each_record_is_on_disk_before_the_next_case_starts(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    seen: list[int] = []

    class Watching(PlainProgress):
        def begin(self, comparison: Comparison, number: int, total: int) -> None:
            seen.append(len(records.read(path).comparisons))

        def end(self, record: ComparisonRecord) -> None:
            seen.append(len(records.read(path).comparisons))

    with Journal(path) as journal:
        journal.begin(ENVIRONMENT)
        run = runner(ScriptedWorker())
        run.progress = Watching()
        run.run([comparison(model="resnet18"), comparison(model="resnet34")], journal)
    assert seen == [0, 1, 1, 2]
