"""Several slots with scripted workers, which are lost when a test says so."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.cases import Comparison
from bench.choosing.suites import Limits
from bench.records.journal import Journal
from bench.records.reading import Record
from bench.records.slot import Slot as Where
from bench.records.types import ComparisonRecord
from bench.running.pool import WorkerPool
from bench.running.process import WorkerDied
from bench.running.progress import PlainProgress
from bench.running.runner import Runner
from bench.running.slots import Slot
from tests.records import ENVIRONMENT
from tests.workers import ScriptedWorker, comparison

KILLED = WorkerDied("the worker process was killed by SIGKILL", lost=True)
Start = Callable[[], ScriptedWorker]


def asked(count: int, *libraries: str) -> list[Comparison]:
    names = libraries or ("foolbox",)
    return [comparison(names[n % len(names)], f"model{n}") for n in range(count)]


def slot(number: int, start: Start = ScriptedWorker, beside: Start | None = None) -> Slot:
    where = Where("here", number, f"GPU-{number}", others=1)
    return Slot(
        WorkerPool(lambda *_: start()),
        beside=None if beside is None else WorkerPool(lambda *_: beside()),
        look=lambda: where,
        name=f"cuda:{number}",
    )


def runner(*slots: Slot, retries: int = 2, **limits: Any) -> Runner:
    given = Limits(**{"processes": 1, "max_seconds": 8.0, **limits})
    return Runner(slots, given, seed=0, progress=PlainProgress(), retries=retries)


def dies(*blocks: int, error: Exception = KILLED) -> ScriptedWorker:
    return ScriptedWorker(fails_in_block=dict.fromkeys(blocks, error))


def in_turn(*workers: ScriptedWorker) -> Start:
    """These, then as many healthy ones as are asked for."""
    first = iter(workers)
    return lambda: next(first, None) or ScriptedWorker()


def never(lost: bool = True) -> Start:
    def start() -> ScriptedWorker:
        raise WorkerDied("the line to it was lost", lost=lost)

    return start


class Meeting(ScriptedWorker):
    """Its first preparation waits until others are in theirs, so that all slots get something."""

    def __init__(self, barrier: threading.Barrier, **how: Any) -> None:
        super().__init__(**how)
        self.barrier = barrier

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        if request["do"] == "prepare" and not self.prepared_for:
            self.barrier.wait(timeout=30)
        return super().ask(request, timeout)


def together(count: int) -> list[Start]:
    """Of so many slots; what starts the workers of each."""
    barrier = threading.Barrier(count)

    def start() -> Start:
        first = iter([Meeting(barrier)])
        return lambda: next(first, None) or ScriptedWorker()

    return [start() for _ in range(count)]


def measured(run: Runner, path: Path, comparisons: list[Comparison], resume: bool = False) -> None:
    with Journal(path, resume=resume) as journal:
        journal.begin(ENVIRONMENT)
        run.run(comparisons, journal)


def keys(records: list[Record] | tuple[ComparisonRecord, ...]) -> Counter[tuple[str, str]]:
    return Counter(one.key for one in records if isinstance(one, ComparisonRecord))


def once(comparisons: list[Comparison]) -> Counter[tuple[str, str]]:
    return Counter(one.key for one in comparisons)
