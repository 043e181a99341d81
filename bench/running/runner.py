"""Run comparisons in worker processes and write each one down as it ends. Imports no torch.

With several processes a comparison, all comparisons have their first process before any has its
second, so that a slow change of the machine touches them all alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from bench.cases import Comparison
from bench.choosing.suites import Limits
from bench.errors import Ended
from bench.records.journal import Journal
from bench.records.reading import Record
from bench.records.types import ComparisonRecord, ProcessRecord
from bench.running import assembly
from bench.running.batch_search import BatchSearch, SearchFailed
from bench.running.measuring import Measuring, Spent
from bench.running.pool import WorkerPool
from bench.running.progress import Progress
from bench.statistics.stopping import StopRule


@dataclass
class Runner:
    """Measures comparisons.

    Attributes:
        workers: where workers come from.
        limits: how long and how exactly to measure.
        seed: of everything random.
        progress: who tells the user.
        verbose: show the trace of what failed.
        batch_search: finds the largest batch that fits, if that was asked.
        explain: also dissect each case, in its first process.
        shared: whether a process serves all cases, where there are several processes; each case
            still meets as many as were asked for.
        as_written: what goes into the journal for a comparison.
        spent: where the time went.
    """

    workers: WorkerPool
    limits: Limits
    seed: int
    progress: Progress
    verbose: bool = False
    batch_search: BatchSearch | None = None
    explain: bool = False
    shared: bool = False
    as_written: Callable[[ComparisonRecord], Record] = lambda record: record
    spent: Spent = field(default_factory=Spent)

    def run(self, comparisons: Sequence[Comparison], journal: Journal) -> list[ComparisonRecord]:
        """Measure each one and append its record to the journal."""
        done = journal.done()
        waiting = [c for c in comparisons if (c.case.id, c.variant) not in done]
        if len(waiting) < len(comparisons):
            self.progress.note(f"{len(comparisons) - len(waiting)} already measured, not repeated")
        # A library's cases lie side by side, so that its worker serves them all.
        libraries = list(dict.fromkeys(c.case.library for c in waiting))
        waiting.sort(key=lambda c: libraries.index(c.case.library))
        measured = {c: journal.parts(c.case.id, c.variant) for c in waiting}
        written: dict[Comparison, ComparisonRecord] = {}
        for comparison, parts in measured.items():
            if len(parts) >= self.limits.processes:  # fewer are asked for than had run
                written[comparison] = self._complete(comparison, parts)
                journal.append(self.as_written(written[comparison]))
        tasks = [
            (process, comparison)
            for process in range(self.limits.processes)
            for comparison in waiting
            if process >= len(measured[comparison])
        ]
        clock = _Clock(len(tasks), self.limits)
        last: int | None = None
        for number, (process, comparison) in enumerate(tasks, 1):
            if comparison in written:
                clock.skip()
                continue
            another = process != last if self.shared and last is not None else not self.shared
            if self.limits.processes > 1 and another:
                self.workers.replace()
            last = process
            self.progress.begin(comparison, number, len(tasks))
            parts = measured[comparison]
            record = self._step(comparison, process, parts, clock)
            clock.done()
            if record is None:
                journal.append(parts[-1])
            else:
                journal.append(self.as_written(record))
                written[comparison] = record
                self.progress.end(record)
        return [written[comparison] for comparison in waiting]

    def _step(
        self,
        comparison: Comparison,
        process: int,
        parts: list[ProcessRecord],
        clock: _Clock,
    ) -> ComparisonRecord | None:
        """Run one more process of a comparison, and add it to its parts.

        Returns:
            the comparison's record once it is over.
        """
        started = time.perf_counter()
        measuring = Measuring(
            self.workers,
            comparison,
            process,
            limits=self.limits,
            seed=self.seed,
            progress=self.progress,
            spent=self.spent,
            deadline=started + self.limits.patience,
            left=clock.left,
            explain=self.explain and process == 0,
        )
        try:
            parts.append(measuring.run())
        except Ended as ended:
            if self.verbose and ended.trace:
                self.progress.note(ended.trace)
            elapsed = time.perf_counter() - started
            return assembly.broken_off(
                comparison, parts, measuring.so_far, ended, self.seed, elapsed
            )
        return self._complete(comparison, parts) if process + 1 == self.limits.processes else None

    def _complete(self, comparison: Comparison, parts: Sequence[ProcessRecord]) -> ComparisonRecord:
        rule = StopRule(self.limits.precision, self.limits.max_seconds, self.limits.processes)
        parts = parts[: self.limits.processes]
        record = assembly.complete(comparison, parts, rule, self.seed)
        if self.batch_search is None:
            return record
        self.progress.stage("looking for the largest batch that fits")
        try:
            found = self.batch_search.run(comparison, self.workers, self.seed)
        except SearchFailed as failed:
            said = f"the largest batch could not be found ({failed}); raise --timeout, or ask for a"
            return replace(record, warnings=[*record.warnings, f"{said} smaller --batch to start"])
        return replace(record, max_batch=found)


class _Clock:
    """How long the run may still take: as long as the tasks before, or their budget."""

    def __init__(self, tasks: int, limits: Limits) -> None:
        self._waiting = tasks - 1
        self._done = 0
        self._share = limits.max_seconds / limits.processes
        self._started = time.perf_counter()

    def left(self, seconds: float) -> float:
        """Of the whole run, given those of the task in hand."""
        passed = time.perf_counter() - self._started
        each = passed / self._done if self._done else self._share
        return max(0.0, seconds) + max(0, self._waiting) * each

    def done(self) -> None:
        self._done += 1
        self._waiting -= 1

    def skip(self) -> None:
        self._waiting -= 1
