"""Several slots at once, with scripted workers: what is measured where, and what a loss costs."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError, OutputError
from bench.records import reading
from bench.records.journal import Journal
from bench.records.reading import Record
from bench.records.slot import Slot as Where
from bench.records.types import ComparisonRecord, ProcessRecord
from bench.running import serving
from bench.running.pool import WorkerPool
from bench.running.process import WorkerDied
from bench.running.slots import Slot
from tests.bench.running.several import (
    KILLED,
    Start,
    asked,
    dies,
    in_turn,
    keys,
    measured,
    never,
    once,
    runner,
    slot,
    together,
)
from tests.records import ENVIRONMENT
from tests.workers import Notes, ScriptedWorker


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two tries to start a worker."""
    monkeypatch.setattr(serving, "SECONDS_BETWEEN_STARTS", 0.0)


def test_each_comparison_has_one_record_and_all_its_processes_are_of_one_slot(
    tmp_path: Path,
) -> None:
    comparisons = asked(12, "foolbox", "art", "torchattacks")
    notes = Notes()
    run = runner(*(slot(n, start) for n, start in enumerate(together(3))), processes=3)
    run.run(comparisons, notes)
    assert keys(notes.written) == once(comparisons)
    ended = {one.key: one for one in notes.written if isinstance(one, ComparisonRecord)}
    parts = [one for one in notes.written if isinstance(one, ProcessRecord)]
    assert len(parts) == 2 * len(comparisons), "the last one's is in the record of the comparison"
    for part in parts:
        assert part.slot is not None
        assert part.slot == ended[part.key].slot
    assert {one.slot.index for one in ended.values() if one.slot} == {0, 1, 2}
    assert {(one.status, one.tries) for one in ended.values()} == {("ok", 1)}


def test_records_of_all_slots_are_whole_lines_of_one_journal(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    comparisons = asked(16, "foolbox", "art")
    measured(runner(*map(slot, range(4))), path, comparisons)
    found = reading.read(path)
    assert keys(found.comparisons) == once(comparisons)
    assert len(path.read_text().splitlines()) == 1 + len(comparisons)


def test_what_only_a_loss_ended_is_begun_again_and_counted() -> None:
    notes = Notes()
    run = runner(slot(0, in_turn(dies(2), dies(0))), slot(1, in_turn(dies(1))))
    comparisons = asked(4)
    run.run(comparisons, notes)
    records = [one for one in notes.written if isinstance(one, ComparisonRecord)]
    assert keys(notes.written) == once(comparisons)
    assert {one.status for one in records} == {"ok"}
    assert sum(one.tries - 1 for one in records) == 3


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_who_is_lost_too_often_has_failed(retries: int) -> None:
    run = runner(slot(0, in_turn(*(dies(0) for _ in range(retries + 1)))), retries=retries)
    first, second = run.run(asked(2), Notes())
    assert (first.status, first.tries) == ("failed", retries + 1)
    assert "SIGKILL" in str(first.reason)
    assert (second.status, second.tries) == ("ok", 1)


def test_what_failed_by_itself_is_not_begun_again() -> None:
    failed = WorkerDied("the worker process ended with exit code 1")
    run = runner(slot(0, in_turn(dies(0, error=failed))))
    (record,) = run.run(asked(1), Notes())
    assert (record.status, record.tries) == ("failed", 1)


@pytest.mark.parametrize("retries", [0, 2])
def test_a_slot_that_no_worker_comes_to_is_given_up_and_others_finish(
    retries: int, capsys: pytest.CaptureFixture[str]
) -> None:
    comparisons = asked(6)
    records = runner(slot(0, never()), slot(1), retries=retries).run(comparisons, Notes())
    assert Counter(one.key for one in records) == once(comparisons)
    assert {(one.status, one.slot and one.slot.index) for one in records} == {("ok", 1)}
    said = " ".join(capsys.readouterr().err.split())
    assert "cuda:0 is given up: the line to it was lost" in said


def test_a_hostile_name_and_reason_of_a_slot_that_is_given_up_are_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def lost() -> ScriptedWorker:
        raise WorkerDied("gone\n::error::\x1b[31mred", lost=True)

    gone = replace(slot(0, lost), name="ssh \x1b[2Jnode\nother")
    runner(gone, slot(1)).run(asked(2), Notes())
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert not any(line.startswith("::") for line in said.splitlines())
    assert "node other is given up: gone" in " ".join(said.split())


def test_where_no_slot_is_left_a_line_says_how_to_go_on_and_resume_finishes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.jsonl"
    comparisons = asked(6)

    def lasts() -> Start:
        workers = iter([ScriptedWorker(fails_in_block={60: KILLED})])

        def start() -> ScriptedWorker:
            try:
                return next(workers)
            except StopIteration:
                raise KILLED from None

        return start

    with pytest.raises(BenchError, match=r"no slot is left, and 2 comparisons .* --resume") as told:
        measured(runner(slot(0, lasts()), slot(1, lasts())), path, comparisons)
    assert "\n" not in str(told.value)
    before = reading.read(path).comparisons
    assert len(before) == 4
    measured(runner(slot(0), slot(1)), path, comparisons, resume=True)
    found = reading.read(path).comparisons
    kept = {record.key for record in before}
    assert tuple(record for record in found if record.key in kept) == before
    assert keys(found) == once(comparisons)


def test_what_was_begun_elsewhere_is_begun_anew_by_whoever_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    (wanted,) = asked(1)
    notes = Notes()
    runner(slot(3), processes=3).run([wanted], notes)
    with Journal(path) as journal:
        journal.begin(ENVIRONMENT)
        for part in notes.written[:2]:
            journal.append(part)
    asked_for: list[str] = []

    def start() -> ScriptedWorker:
        asked_for.append("worker")
        return ScriptedWorker()

    measured(runner(slot(0, start), slot(1, start), processes=3), path, [wanted], resume=True)
    (record,) = reading.read(path).comparisons
    assert record.slot is not None
    assert record.slot.index in (0, 1)
    assert len(set(record.processes)) == 3
    assert len(asked_for) == 3, "none of the two that ran elsewhere counts"


def test_resume_goes_on_in_the_same_slot(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    (wanted,) = asked(1)
    notes = Notes()
    runner(slot(1), processes=3).run([wanted], notes)
    with Journal(path) as journal:
        journal.begin(ENVIRONMENT)
        journal.append(notes.written[0])
    measured(runner(*map(slot, range(3)), processes=3), path, [wanted], resume=True)
    (record,) = reading.read(path).comparisons
    assert record.slot is not None
    assert record.slot.index == 1
    assert len(set(record.processes)) == 3


def test_parts_of_two_slots_are_never_one_comparison(tmp_path: Path) -> None:
    """A slot was lost after two processes, another began the comparison anew, then all ended."""
    path = tmp_path / "x.jsonl"
    (wanted,) = asked(1)
    there, here = Notes(), Notes()
    runner(slot(0), processes=3).run([wanted], there)
    runner(slot(1), processes=3).run([wanted], here)
    with Journal(path) as journal:
        journal.begin(ENVIRONMENT)
        for part in (*there.written[:2], here.written[0]):
            journal.append(part)
    with Journal(path, resume=True) as journal:
        found = journal.parts(*wanted.key)
    assert [(part.process, part.slot and part.slot.index) for part in found] == [(0, 1)]


def test_a_slot_that_comes_back_elsewhere_measures_all_processes_there() -> None:
    where = [Where("one", 0, "GPU-0")]
    workers = iter([ScriptedWorker(), dies(1), *(ScriptedWorker() for _ in range(3))])

    def start(*_: str) -> ScriptedWorker:
        worker = next(workers)
        if not worker.fails_in_block and worker.host is None and moved:
            where[0] = Where("two", 0, "GPU-1")
        if worker.fails_in_block:
            moved.append(True)
        return worker

    moved: list[bool] = []
    notes = Notes()
    run = runner(Slot(WorkerPool(start), look=lambda: where[0]), processes=3)
    (record,) = run.run(asked(1), notes)
    assert (record.status, record.tries) == ("ok", 2)
    assert record.slot == Where("two", 0, "GPU-1")
    assert len(set(record.processes)) == 3
    places = [one.slot.host for one in notes.written if isinstance(one, ProcessRecord) and one.slot]
    assert places == ["one", "two", "two"]


def test_a_loss_among_those_with_memory_as_given_is_made_up_for() -> None:
    run = runner(slot(0, beside=in_turn(ScriptedWorker(), dies(0))))
    (record,) = run.run(asked(1), Notes())
    assert (record.status, record.tries) == ("ok", 2)
    assert record.as_given is not None
    assert not any("ended early" in warning for warning in record.warnings)


def test_an_error_in_one_thread_ends_all_and_is_raised() -> None:
    class Full(Notes):
        def append(self, record: Record) -> None:
            if len(self.written) == 3:
                raise OutputError("can't write x: No space left on device")
            super().append(record)

    notes = Full()
    with pytest.raises(OutputError, match="No space left"):
        runner(*map(slot, range(4))).run(asked(40), notes)
    assert len(notes.written) == 3


class Stuck(ScriptedWorker):
    """Answers nothing until it is ended, as a worker in a long run."""

    def __init__(self, at_work: threading.Barrier) -> None:
        super().__init__()
        self.at_work = at_work
        self.over = threading.Event()

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        self.at_work.wait(timeout=30)
        assert self.over.wait(timeout=30)
        raise KILLED

    def close(self) -> None:
        super().close()
        self.over.set()


def test_a_key_that_is_hit_ends_all_workers_and_no_case_has_failed_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.jsonl"
    comparisons = asked(8)
    at_work = threading.Barrier(4)
    made: list[Stuck] = []

    def start() -> Stuck:
        made.append(Stuck(at_work))
        return made[-1]

    class Hit:
        """What the main thread waits at: the key comes once all slots are at work."""

        def put(self, error: BaseException | None) -> None:
            pass

        def get(self, timeout: float) -> None:
            at_work.wait(timeout=30)
            raise KeyboardInterrupt

    monkeypatch.setattr("bench.running.threads.queue.SimpleQueue", Hit)
    with pytest.raises(KeyboardInterrupt):
        measured(runner(*(slot(n, start) for n in range(3))), path, comparisons)
    monkeypatch.undo()
    assert [worker.closed for worker in made] == [True] * 3
    assert reading.read(path).comparisons == (), "what was in hand has not failed"
    measured(runner(slot(0), slot(1)), path, comparisons, resume=True)
    assert keys(reading.read(path).comparisons) == once(comparisons)


@pytest.mark.parametrize("seed", range(2))
def test_however_workers_are_lost_each_comparison_has_one_record(seed: int) -> None:
    """200 comparisons on 4 slots; each worker may be lost before it starts, or in any block."""
    comparisons = asked(200, "foolbox", "art", "torchattacks", "ours")

    def lossy(number: int) -> Start:
        drawn = random.Random(10 * seed + number)

        def start() -> ScriptedWorker:
            if number and drawn.random() < 0.1:
                raise WorkerDied("no place for it", lost=True)
            return dies(drawn.randrange(150))

        return start

    notes = Notes()
    run = runner(*(slot(n, lossy(n)) for n in range(4)), retries=20)
    run.run(comparisons, notes)
    records = [one for one in notes.written if isinstance(one, ComparisonRecord)]
    assert keys(notes.written) == once(comparisons)
    assert {one.status for one in records} == {"ok"}
    assert sum(one.tries - 1 for one in records) > 10, "many were lost"


def test_the_time_of_all_slots_is_told() -> None:
    run = runner(slot(0), slot(1))
    run.run(asked(4), Notes())
    assert run.spent.measured == pytest.approx(sum(one.spent.measured for one in run.slots))
    assert run.spent.measured > 0


def test_libraries_stay_with_the_slots_that_have_them() -> None:
    started: dict[int, list[ScriptedWorker]] = {0: [], 1: []}

    def noted(number: int, start: Start) -> Start:
        def begin() -> ScriptedWorker:
            started[number].append(start())
            return started[number][-1]

        return begin

    slots = [slot(n, noted(n, start)) for n, start in enumerate(together(2))]
    runner(*slots).run(asked(40, "foolbox", "art"), Notes())
    for workers in started.values():
        assert all(len(set(worker.prepared_for)) == 1 for worker in workers), "one library each"
    assert sum(map(len, started.values())) <= 4, "a slot changes to the other library once at most"
