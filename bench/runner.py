"""Run comparisons in worker processes and write each one down as it ends. Imports no torch.

The worker does what it is told, one block at a time; when to stop is decided here, from statistics
that are pure functions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from bench import blocks, statistics
from bench.blocks import Block, Sample
from bench.cases import BASELINE, Comparison
from bench.journal import Journal
from bench.process import WorkerDied, WorkerProcess, WorkerTimeout
from bench.progress import Progress
from bench.records import ComparisonRecord, EqualityRecord, Status
from bench.stopping import StopReason, StopRule
from bench.suites import Limits

WARMUP_BLOCKS = 1


class Worker(Protocol):
    """A worker process, or a test's stand-in; see `bench.process.WorkerProcess`."""

    facts: dict[str, Any]
    start_seconds: float

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]: ...

    def close(self) -> None: ...


class WorkerPool:
    """At most one worker at a time, kept for as long as the library stays the same: libraries mend
    and patch modules for themselves, and none shall meet another's mends."""

    def __init__(self, start: Callable[[], Worker] = WorkerProcess) -> None:
        self._start = start
        self._library = ""
        self._worker: Worker | None = None
        self.start_seconds = 0.0

    def get(self, library: str = "") -> Worker:
        """The worker for a library ("": for none yet); started if need be.

        Raises:
            WorkerDied: it can't be started.
        """
        if self._library and library != self._library:
            self.replace()
        if self._worker is None:
            self._worker = self._start()
            self.start_seconds += self._worker.start_seconds
        self._library = library
        return self._worker

    def replace(self) -> None:
        """End the worker, so that the next one is fresh."""
        if self._worker is not None:
            self._worker.close()
        self._worker = None
        self._library = ""


@dataclass
class Spent:
    """Where the time of a run went, in seconds."""

    building: float = 0.0
    checks: float = 0.0
    warmup: float = 0.0
    measured: float = 0.0


@dataclass
class _Findings:
    """What is known of a comparison so far."""

    prepared: dict[str, Any] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    stop: StopReason | None = None


class _Ended(Exception):
    """The comparison is over without a speedup."""

    def __init__(self, status: Status, reason: str, trace: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.trace = trace


@dataclass
class Runner:
    """Measures comparisons one after the other.

    Attributes:
        workers: where workers come from.
        limits: how long and how exactly to measure.
        seed: of everything random.
        progress: who tells the user.
        verbose: show the trace of what failed.
        spent: where the time went.
    """

    workers: WorkerPool
    limits: Limits
    seed: int
    progress: Progress
    verbose: bool = False
    spent: Spent = field(default_factory=Spent)
    _after: float = 0.0  # seconds that the cases after the current one may take

    def run(self, comparisons: Sequence[Comparison], journal: Journal) -> list[ComparisonRecord]:
        """Measure each one and append its record to the journal."""
        done = journal.done()
        waiting = [c for c in comparisons if (c.case.id, c.variant) not in done]
        if len(waiting) < len(comparisons):
            self.progress.note(f"{len(comparisons) - len(waiting)} already measured, not repeated")
        written: list[ComparisonRecord] = []
        # A library's cases lie side by side, so that its worker serves them all.
        libraries = list(dict.fromkeys(c.case.library for c in waiting))
        waiting.sort(key=lambda c: libraries.index(c.case.library))
        started = time.perf_counter()
        for number, comparison in enumerate(waiting, 1):
            self.progress.begin(comparison, number, len(waiting))
            self._after = _rest(len(waiting) - number, number - 1, started, self.limits)
            record = self.measure(comparison)
            journal.append(record)
            written.append(record)
            self.progress.end(record)
        return written

    def measure(self, comparison: Comparison) -> ComparisonRecord:
        """Measure one comparison, in as many processes as the limits say."""
        started = time.perf_counter()
        deadline = started + self.limits.patience
        findings = _Findings()
        try:
            for process in range(self.limits.processes):
                if process:
                    self.workers.replace()
                self._measure_in_one_process(comparison, process, deadline, findings)
        except _Ended as ended:
            if self.verbose and ended.trace:
                self.progress.note(ended.trace)
            return self._record(comparison, started, findings, ended)
        return self._record(comparison, started, findings, None)

    def _measure_in_one_process(
        self, comparison: Comparison, process: int, deadline: float, findings: _Findings
    ) -> None:
        self.progress.stage("building, checking that both variants agree")
        asked = {"do": "prepare", "comparison": asdict(comparison), "seed": self.seed}
        before = self.workers.start_seconds
        started = time.perf_counter()
        checks = 0.0
        try:
            prepared = self._ask(comparison, asked, deadline)
            checks = prepared["check_seconds"]
        finally:
            starting = self.workers.start_seconds - before
            self.spent.checks += checks
            self.spent.building += time.perf_counter() - started - checks - starting
        findings.prepared = findings.prepared or prepared
        if not prepared["equality"]["equal"]:
            findings.prepared = prepared
            raise _Ended("unequal", prepared["unequal"])
        orders = blocks.orders(self.seed * 1_000_003 + process)
        self.progress.stage("warming up")
        for _ in range(WARMUP_BLOCKS):
            self.spent.warmup += self._block(comparison, next(orders), process, deadline)[1]
        rule = StopRule(self.limits.precision, self.limits.max_seconds, self.limits.processes)
        own: list[Block] = []
        begun = time.perf_counter()
        stop = interval = None
        while stop is None:
            block, seconds = self._block(comparison, next(orders), process, deadline)
            self.spent.measured += seconds
            own.append(block)
            findings.blocks.append(block)
            # The resampling grows with the blocks, so look again only after a twentieth more.
            if interval is None or len(own) >= 1.05 * interval.blocks:
                interval = statistics.speedup(own, seed=self.seed)
            elapsed = time.perf_counter() - begun
            stop = rule.reason(interval, elapsed)
            share = self.limits.max_seconds / self.limits.processes
            left = max(0.0, share - elapsed) + share * (self.limits.processes - 1 - process)
            self.progress.block(interval, left + self._after)
        # One process that ran out of time makes the whole case one that did.
        findings.stop = "budget" if "budget" in (stop, findings.stop) else stop

    def _block(
        self, comparison: Comparison, order: blocks.Order, process: int, deadline: float
    ) -> tuple[Block, float]:
        answer = self._ask(comparison, {"do": "block", "order": order}, deadline)
        samples = tuple(Sample(**sample) for sample in answer["samples"])
        return Block(process, order, samples), sum(sample.seconds for sample in samples)

    def _ask(
        self, comparison: Comparison, request: dict[str, Any], deadline: float
    ) -> dict[str, Any]:
        try:
            worker = self.workers.get(comparison.case.library)
            answer: dict[str, Any] = worker.ask(request, deadline - time.perf_counter())
        except WorkerTimeout:
            self.workers.replace()
            raise _Ended(
                "timeout",
                f"not done after {self.limits.patience:g} s; raise --timeout, or ask for less",
            ) from None
        except WorkerDied as died:
            self.workers.replace()
            raise _Ended("failed", str(died)) from None
        if not answer["ok"]:
            if answer["tainted"]:
                self.workers.replace()
            raise _Ended(answer["status"], answer["reason"], answer["trace"])
        return answer

    def _record(
        self,
        comparison: Comparison,
        started: float,
        findings: _Findings,
        ended: _Ended | None,
    ) -> ComparisonRecord:
        prepared, measured = findings.prepared, findings.blocks
        equality = prepared.get("equality")
        record = ComparisonRecord(
            case_id=comparison.case.id,
            case=replace(comparison.case, library_version=prepared.get("library_version")),
            baseline=BASELINE,
            variant=comparison.variant,
            status="ok" if ended is None else ended.status,
            seed=self.seed,
            elapsed=round(time.perf_counter() - started, 3),
            reason=None if ended is None else ended.reason,
            equality=None if equality is None else EqualityRecord(**equality),
            theory=prepared.get("theory"),
            memory=prepared.get("memory"),
            gradients=prepared.get("gradients"),
            seconds=_samples(measured, comparison.variant, "seconds"),
            host_seconds=_host_samples(measured, comparison.variant),
            order=[block.order for block in measured],
            processes=[block.process for block in measured],
            warmup_runs=2 * WARMUP_BLOCKS if measured else 0,
            timer=prepared.get("timer"),
            warnings=prepared.get("warnings", []),
        )
        if ended is not None:
            return record
        interval = statistics.speedup(measured, seed=self.seed)
        return replace(
            record,
            speedup=interval,
            verdict=statistics.verdict(interval),
            stop_reason=findings.stop,
        )


def _samples(measured: Sequence[Block], variant: str, what: str) -> dict[str, list[float]]:
    return {
        name: [getattr(sample, what) for block in measured for sample in block.of(letter)]
        for letter, name in (("A", BASELINE), ("B", variant))
        if measured
    }


def _host_samples(measured: Sequence[Block], variant: str) -> dict[str, list[float]] | None:
    on_device = bool(measured) and measured[0].samples[0].host_seconds is not None
    return _samples(measured, variant, "host_seconds") if on_device else None


def _rest(cases: int, done: int, started: float, limits: Limits) -> float:
    """Seconds that the cases after this one may take: as long as those before, or their budget."""
    each = (time.perf_counter() - started) / done if done else limits.max_seconds
    return cases * each
