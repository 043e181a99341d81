"""Which cases of training are chosen, and how trainings to the end are led and written down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bench.cases import Case
from bench.choosing.suites import Limits, Suite
from bench.errors import UsageError
from bench.kinds.request import Request
from bench.kinds.training.command import Trainings
from bench.kinds.training.options import TrainingOptions
from bench.records import reading
from bench.records.journal import Journal
from bench.running.pool import WorkerPool
from bench.running.process import WorkerDied, WorkerTimeout
from bench.running.progress import PlainProgress
from bench.running.session import Session
from tests import commands
from tests.cases import changed, image_case
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
    pool = WorkerPool(lambda: next(started))
    suite = Suite("mine", "", (), Limits(timeout=60.0))
    session = Session(Request(), pool, journal, PlainProgress(), suite, [])
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


def chosen(*words: str) -> list[Case]:
    return [comparison.case for comparison in commands.chosen(*words)]


own = TrainingOptions.of


def test_a_training_has_the_attacks_of_the_libraries_inside() -> None:
    cases = chosen("--training", "pgd", "--libs", "foolbox", "art", "--steps", "1", "7")
    assert [(c.library, c.attack, own(c).steps) for c in cases] == [
        ("foolbox", "pgd", 1),
        ("art", "pgd", 1),
        ("foolbox", "pgd", 7),
        ("art", "pgd", 7),
    ]
    for case in cases:
        assert (own(case).training, own(case).data, own(case).classes, own(case).input_shape) == (
            "pgd",
            "digits",
            10,
            (3, 32, 32),
        )
        assert own(case).eps == pytest.approx(4 * 8 / 255)
        assert own(case).step_size == pytest.approx(8 / 255)


def test_methods_without_a_library_inside_come_once() -> None:
    cases = chosen("--training", "natural", "free", "trades", "--libs", "foolbox", "art")
    assert [(own(c).training, c.library, c.attack, own(c).replays) for c in cases] == [
        ("natural", "reference", "none", None),
        ("free", "reference", "none", 8),
        ("trades", "reference", "pgd-backward", None),
        ("trades", "reference", "pgd-autograd-grad", None),
    ]
    assert [own(c).replays for c in chosen("--training", "free", "--replays", "4")] == [4]


def test_a_suite_of_attacks_can_be_trained_by() -> None:
    cases = chosen("--suite", "quick", "--training", "pgd")
    assert len(cases) == 6
    assert {(own(c).training, own(c).steps, own(c).input_shape) for c in cases} == {
        ("pgd", 5, (3, 32, 32))
    }


def test_fast_training_takes_one_long_step() -> None:
    (case,) = chosen("--training", "fast", "--steps", "1", "7")
    assert own(case).steps == 1
    assert own(case).step_size is not None
    assert own(case).eps is not None
    assert own(case).step_size == pytest.approx(1.25 * (own(case).eps or 0))


def test_train_takes_every_method_and_both_ways_to_ask_for_a_gradient() -> None:
    cases = chosen("train")
    assert {own(case).training for case in cases} == {
        "natural",
        "pgd",
        "mart",
        "fast",
        "free",
        "trades",
    }
    assert {case.library for case in cases} == {"deeprobust", "reference", "torchattacks"}


def test_figure_2_has_every_number_of_steps() -> None:
    for suite in ("paper-training", "paper-training-small"):
        cases = chosen("--suite", suite)
        steps = [own(c).steps for c in cases if own(c).training == "pgd" and "resnet18" in c.model]
        assert steps == [1, 2, 3, 5, 7, 10, 20]
        assert {c.library for c in cases if own(c).training == "pgd"} == {"deeprobust"}
        assert any(own(case).training == "free" for case in cases)


def test_a_users_own_attack_may_be_inside() -> None:
    spec = "tests/data/attacks.py:fgsm"
    (case,) = chosen("--training", "pgd", "--attack", spec)
    assert (case.library, case.attack, own(case).steps) == ("user", spec, None)


def test_training_keeps_the_names_of_attacks_as_they_were() -> None:
    """Those of records made before a case had fields for training."""
    attack = image_case(input_shape=(3, 112, 112))
    assert attack.id == "adcae60fc091"
    assert TRAINING.id != changed(TRAINING, training="mart").id


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["explain", "--training", "pgd"], "explain looks at attacks"),
        (["explain", "--suite", "training"], "explain looks at attacks"),
        (["--training", "pgd", "--max-batch-search"], "--max-batch-search is for attacks"),
        (["--training", "pgd", "--defaults"], "--defaults is for attacks"),
        (["--libs", "foolbox", "--data", "digits"], "--data is for --training"),
        (["--libs", "foolbox", "--replays", "4"], "--replays is for --training"),
        (["train", "--suite", "quick"], "add --training METHOD"),
        (["train", "--a-a", "--variants", "a-a"], "train compares"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_does_not_go_together_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        chosen(*words)
