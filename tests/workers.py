"""Workers that answer from a script in place of a process, and runs with them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from bench.cases import Comparison
from bench.choosing.suites import Limits
from bench.records.journal import Journal
from bench.records.reading import Record
from bench.records.types import ComparisonRecord
from bench.running.pool import WorkerPool
from bench.running.progress import PlainProgress
from bench.running.runner import Runner
from bench.running.slots import Slot
from bench.statistics.blocks import Sample
from tests.cases import image_case

WARMUP_BLOCKS = 1
"""Of the default script, whose runs take so long that one block is a quarter of the time."""
FEWEST_BLOCKS = 25
"""Of a steady case: it is narrow at two looks that count, at 21 blocks and at 25."""

PREPARED: dict[str, Any] = {
    "equality": {"equal": True, "bitwise": True, "max_abs_diff": 0.0},
    "gradients": {"call": "backward", "parameters": 62, "original": 62, "semi-backward": 0},
    "theory": {"speedup": 1.5, "basis": "flops"},
    "memory": {
        "original": 2000,
        "semi-backward": 1000,
        "unit": "bytes",
        "what": "peak",
        "ratio": 2.0,
    },
    "memory_parts": {
        name: {"before": 0, "saved": 900, "gradients": kept, "rest": 300, "reserved": None}
        for name, kept in (("original", 800), ("semi-backward", 0))
    },
    "device_use": None,
    "warnings": ["beware"],
    "unequal": None,
    "library_version": "1.0",
    "timer": "scripted",
}


class ScriptedWorker:
    """Answers "prepare" with what it is given, and blocks with the next times of a script."""

    start_seconds = 0.0
    pids: tuple[int, ...] = ()
    facts: dict[str, Any] = {}  # noqa: RUF012 - as the protocol has it

    def __init__(
        self,
        times: Callable[[str, int], float] = lambda letter, run: 1.5 if letter == "A" else 1.0,
        prepared: dict[str, Any] | Exception = PREPARED,
        fails_in_block: dict[int, Exception] | None = None,
        host: float | None = None,
        throttled: Callable[[int], bool] = lambda block: False,
        strangers: Callable[[int], int | None] = lambda block: None,
        refused: dict[str, Any] | None = None,
        stale: bool = False,
        joules: Callable[[str, int], float | None] = lambda letter, run: None,
    ) -> None:
        self.joules = joules
        self.stale = stale
        self.times = times
        self.throttled = throttled
        self.strangers = strangers
        self.refused = refused
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
            if self.stale and len(self.prepared_for) > 1:
                return {"ok": True, "stale": ["threads"]}
            if self.refused is not None:
                return {"ok": False, **self.refused}
            return {"ok": True, "prepared": self.prepared, "check_seconds": 0.0}
        assert request["do"] == "blocks"
        return {"ok": True, "blocks": [self.block(order) for order in request["orders"]]}

    def block(self, order: str) -> dict[str, Any]:
        number = len(self.orders)
        if number in self.fails_in_block:
            raise self.fails_in_block[number]
        self.orders.append(order)
        samples = [self.sample(letter, next(self.runs)) for letter in order]
        throttled = self.throttled(number)
        reasons = ["hardware slowdown"] if throttled else []
        beside = self.strangers(number)
        gpu = {"sm_mhz": 1980, "memory_mhz": 3201, "celsius": 60, "reasons": reasons}
        if beside is not None:
            gpu |= {"strangers": beside, "stranger_names": ["python"] if beside else []}
        return {
            "samples": [vars(sample) for sample in samples],
            "gpu": None if self.host is None else gpu,
            "spoilt": throttled or bool(beside),
            "compiled": 0,
        }

    def sample(self, letter: str, run: int) -> Sample:
        return Sample(self.times(letter, run), self.host, joules=self.joules(letter, run))

    def close(self) -> None:
        self.closed = True


def comparison(library: str = "foolbox", model: str = "resnet18") -> Comparison:
    return Comparison(image_case(library, model=model), "semi-backward")


def runner(workers: Iterator[ScriptedWorker] | ScriptedWorker, **limits: Any) -> Runner:
    started = iter([workers]) if isinstance(workers, ScriptedWorker) else workers
    pool = WorkerPool(lambda *_: next(started))
    return Runner([Slot(pool)], Limits(**limits), seed=0, progress=PlainProgress())


class Notes(Journal):
    """A journal without a file."""

    def __init__(self) -> None:
        self.earlier = None
        self.written: list[Record] = []

    def append(self, record: Record) -> None:
        self.written.append(record)


def measure(workers: Iterator[ScriptedWorker] | ScriptedWorker, **limits: Any) -> ComparisonRecord:
    """Measure one comparison, in one process unless more are asked for."""
    (record,) = runner(workers, **{"processes": 1, **limits}).run([comparison()], Notes())
    return record
