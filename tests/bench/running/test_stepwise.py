"""Comparisons are measured a process at a time, and written down when nothing more is wanted."""

from __future__ import annotations

from bench.advising.budget import Budget
from bench.choosing.suites import Limits, Suite
from bench.commands import advise
from bench.errors import Ended
from bench.kinds.request import Request
from bench.records.types import ComparisonRecord, ProcessRecord
from bench.running.pool import WorkerPool
from bench.running.progress import PlainProgress
from bench.running.session import Session
from bench.running.slots import Slot
from bench.running.stepwise import Stepwise
from tests.workers import Notes, ScriptedWorker, comparison


def stepwise(*workers: ScriptedWorker) -> tuple[Stepwise, Notes]:
    started, notes = iter(workers), Notes()
    pool = WorkerPool(lambda *_: next(started))
    asked = comparison()
    suite = Suite("none", "", (), Limits())
    session = Session(Request(), [Slot(pool)], notes, PlainProgress(), suite, [asked])
    return Stepwise(session, precision=0.02, share=60.0, processes=5, total=3), notes


def test_each_step_is_a_fresh_process_and_the_record_is_of_all_of_them() -> None:
    steps, notes = stepwise(ScriptedWorker(), ScriptedWorker(), ScriptedWorker())
    asked = comparison()
    assert steps.parts(asked) == ()
    first = steps.another(asked, 60.0)
    assert first.speedup is not None
    assert (first.speedup.processes, len(steps.parts(asked))) == (1, 1)
    steps.another(asked, 60.0)
    third = steps.another(asked, 60.0)
    assert third.speedup is not None
    assert third.speedup.processes == 3
    assert all(isinstance(line, ProcessRecord) for line in notes.written)
    steps.settle()
    steps.settle()
    assert notes.written[3:] == [third], "once"


def test_an_answer_has_three_processes_at_least_where_there_is_time_and_no_more_if_they_agree() -> (
    None
):
    steps, _ = stepwise(*(ScriptedWorker() for _ in range(5)))
    found = steps.another(comparison(), 60.0)
    confirmed = advise.confirmed(steps, comparison(), found, Budget(1e6, 0.0, lambda: 0.0))
    assert confirmed.speedup is not None
    assert confirmed.speedup.processes == 3
    steps, _ = stepwise(ScriptedWorker())
    found = steps.another(comparison(), 60.0)
    assert advise.confirmed(steps, comparison(), found, Budget(1.0, 0.0, lambda: 0.0)) == found


def test_one_that_ends_early_is_a_record_too() -> None:
    refused = {"status": "unsupported", "reason": "no compiler", "trace": "", "tainted": False}
    steps, notes = stepwise(ScriptedWorker(refused=refused))
    found = steps.another(comparison(), 60.0)
    assert (found.status, found.reason, found.speedup) == ("unsupported", "no compiler", None)
    steps.settle()
    assert notes.written == [found]


def test_a_further_process_that_ends_early_costs_itself_alone() -> None:
    died = ScriptedWorker(prepared=Ended("failed", "it died"))
    steps, notes = stepwise(ScriptedWorker(), died)
    first = steps.another(comparison(), 60.0)
    second = steps.another(comparison(), 60.0)
    assert second.speedup == first.speedup
    assert second.warnings[-1] == "a further process ended early (it died)"
    steps.settle()
    assert [type(line) for line in notes.written] == [ProcessRecord, ComparisonRecord]
