"""How trainings to the end are led and written down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bench.choosing.suites import Limits, Suite
from bench.kinds.request import Request
from bench.kinds.training.command import Trainings
from bench.records import reading
from bench.records.journal import Journal
from bench.running.pool import WorkerPool
from bench.running.process import WorkerDied, WorkerTimeout
from bench.running.progress import PlainProgress
from bench.running.session import Session
from bench.running.slots import Slot
from tests.records import ENVIRONMENT, TRAINED, TRAINING
from tests.workers import Notes


class Trainer:
    """A worker that trains in no time."""

    facts: dict[str, Any] = {}  # noqa: RUF012 - as the protocol has it
    start_seconds = 0.0
    pids: tuple[int, ...] = ()

    def __init__(self, fails: dict[int, Exception | dict[str, Any]] | None = None) -> None:
        self.fails = fails or {}
        self.asked: list[dict[str, Any]] = []
        self.closed = False

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        assert request["do"] == "own"
        self.asked.append(request["request"])
        epoch = len(self.asked)
        failure = self.fails.get(epoch)
        if isinstance(failure, Exception):
            raise failure
        if failure is not None:
            return {"ok": False, **failure}
        done = epoch == request["request"]["epochs"]
        return {"ok": True, "epoch": epoch, "loss": 1.0, "result": dict(TRAINED) if done else None}

    def close(self) -> None:
        self.closed = True


def train(workers: list[Trainer], journal: Journal, epochs: int = 3) -> list[Any]:
    started: Iterator[Trainer] = iter(workers)
    pool = WorkerPool(lambda *_: next(started))
    suite = Suite("mine", "", (), Limits(timeout=60.0))
    session = Session(Request(), [Slot(pool)], journal, PlainProgress(), suite, [])
    return list(Trainings(session, epochs, Path("checkpoints")).run([TRAINING, TRAINING]))


def test_each_case_is_trained_once_in_both_variants_each_in_a_fresh_worker() -> None:
    workers, notes = [Trainer(), Trainer()], Notes()
    written = train(workers, notes)
    assert written == notes.written
    assert [(r.variant, r.status, r.weights) for r in written] == [
        ("original", "ok", "abc"),
        ("semi-backward", "ok", "abc"),
    ]
    assert written[0].case.library_version == "2.13.0"
    assert written[0].checkpoint == f"{TRAINING.id}-original-3.safetensors"
    assert workers[0].closed
    for worker, variant in zip(workers, ("original", "semi-backward"), strict=True):
        assert len(worker.asked) == 3
        for request in worker.asked:
            assert (request["variant"], request["case"]) == (variant, asdict(TRAINING))
    first, second = ({r["checkpoint"] for r in worker.asked} for worker in workers)
    assert len(first) == len(second) == 1
    assert first != second


@pytest.mark.parametrize(
    ("failure", "status", "said"),
    [
        (WorkerTimeout("slow"), "timeout", "raise --timeout"),
        (WorkerDied("killed"), "failed", "killed"),
        (
            {"status": "unsupported", "reason": "not there", "trace": "", "tainted": False},
            "unsupported",
            "not there",
        ),
    ],
    ids=["timeout", "died", "refused"],
)
def test_a_training_that_fails_is_a_record_and_the_next_goes_on(
    failure: Any, status: str, said: str
) -> None:
    written = train([Trainer({2: failure}), Trainer()], Notes())
    assert [r.status for r in written] == [status, "ok"]
    assert said in written[0].reason
    assert written[0].weights is None


def test_what_is_trained_is_not_trained_again(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with Journal(path) as journal:
        journal.begin(ENVIRONMENT)
        train([Trainer(), Trainer({1: WorkerDied("killed")})], journal)
    with Journal(path, resume=True) as journal:
        assert [r.variant for r in train([Trainer()], journal)] == ["semi-backward"]
    assert [r.status for r in reading.read(path).own["training"]] == ["ok", "ok"]
    with Journal(path, resume=True) as journal:
        assert train([], journal) == []
        assert len(train([Trainer(), Trainer()], journal, epochs=5)) == 2
