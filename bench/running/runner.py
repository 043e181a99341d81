"""Run comparisons in worker processes and write each one down as it ends. Imports no torch.

With several processes a comparison, all comparisons have their first process before any has its
second, so that a slow change of the machine touches them all alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bench.cases import Comparison
from bench.choosing.suites import Limits
from bench.errors import Ended
from bench.records.journal import Journal
from bench.records.reading import Record
from bench.records.types import ComparisonRecord, ProcessRecord
from bench.running import assembly
from bench.running.batch_search import BatchSearch, SearchFailed
from bench.running.measuring import Measuring, Spent, stop_rule
from bench.running.pauses import Pauses
from bench.running.pool import WorkerPool
from bench.running.progress import Progress
from bench.statistics import planning, stopping
from bench.statistics.blocks import Block
from bench.statistics.stopping import StopRule

BESIDE = 3
"""Processes of a case that have memory as the system gives it, beside those that keep it: they show
that it matters; how far they lie apart is for `--memory system`, which has more of them."""
CALM_SHARE = 1 / 3
"""Of a case's blocks, that must be calm for these processes to be worth their time."""


@dataclass
class _State:
    """A comparison on its way.

    Attributes:
        comparison: what was asked.
        parts: what each of its processes found.
        beside: of those that have memory as the system gives it.
        given_up: why there are no more of these, where one failed.
        record: what it came to; None while that is open.
    """

    comparison: Comparison
    parts: list[ProcessRecord]
    beside: list[ProcessRecord]
    given_up: str | None = None
    record: ComparisonRecord | None = None

    @property
    def blocks(self) -> list[Block]:
        """Of the processes that count."""
        return [block for part in self.parts for block in part.blocks]

    @property
    def quiet(self) -> bool:
        """Whether so many of them were calm that a few more would show more than disturbances."""
        calm = sum(block.calm for block in self.blocks)
        return calm >= CALM_SHARE * len(self.blocks)

    @property
    def before(self) -> list[float]:
        """Seconds that each of them took besides."""
        return [part.elapsed - stopping.measured(part.blocks) for part in self.parts]


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
        beside: where workers come from that have memory as the system gives it, where a few of
            those are to be measured too.
        pauses: of other programs, to wait for; None where they do not matter.
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
    beside: WorkerPool | None = None
    pauses: Pauses | None = None
    as_written: Callable[[ComparisonRecord], Record] = lambda record: record
    spent: Spent = field(default_factory=Spent)

    def run(self, comparisons: Sequence[Comparison], journal: Journal) -> list[ComparisonRecord]:
        """Measure each one and append its record to the journal."""
        done = journal.done()
        waiting = [c for c in comparisons if c.key not in done]
        if len(waiting) < len(comparisons):
            self.progress.note(f"{len(comparisons) - len(waiting)} already measured, not repeated")
        # A library's cases lie side by side, so that its worker serves them all.
        libraries = list(dict.fromkeys(c.case.library for c in waiting))
        waiting.sort(key=lambda c: libraries.index(c.case.library))
        states = [
            _State(c, journal.parts(*c.key), journal.parts(*c.key, "system")) for c in waiting
        ]
        self._clock = _Clock(lambda: sum(map(self._left_of, states)), self.limits)
        self._settle(states, journal)  # fewer are asked for than had run
        while round_ := [state for state in states if self._more(state)]:
            self._round(round_, journal)
        while round_ := [state for state in states if self._more_beside(state)]:
            self.workers.replace()
            self._round_beside(round_, journal)
        return [state.record for state in states if state.record is not None]

    def _rule(self, state: _State) -> StopRule:
        return stop_rule(self.limits, state.comparison.case.device)

    def _more(self, state: _State) -> bool:
        """Whether a comparison gets another process."""
        if state.record is not None:
            return False
        return planning.another(self._rule(state), state.blocks, len(state.parts))

    def _more_beside(self, state: _State) -> bool:
        """Whether it gets another one that has memory as the system gives it."""
        if self.beside is None or state.record is not None or state.given_up is not None:
            return False
        if state.blocks and not state.quiet:
            return False
        return len(state.beside) < BESIDE

    def _left_of(self, state: _State) -> int:
        """How many processes a comparison will have yet, as far as is known."""
        if state.record is not None:
            return 0
        beside = BESIDE - len(state.beside) if self._more_beside(state) else 0
        return max(int(self._more(state)), self.limits.processes - len(state.parts)) + beside

    def _round(self, states: Sequence[_State], journal: Journal) -> None:
        """Give each of these comparisons its next process."""
        several = self.limits.processes > 1
        process = min(len(state.parts) for state in states)
        if several and self.shared and process:
            self.workers.replace()
        for state in states:
            if len(state.parts) > process:
                continue  # a run that is resumed may be ahead with some
            if several and not self.shared:
                self.workers.replace()
            self._begin(state)
            measuring = self._measuring(
                self.workers,
                state.comparison,
                process,
                explain=self.explain and not process,
                gate_only=process > 0,
                most=planning.blocks_of_next(state.blocks, state.before),
                usual=stopping.measured(state.blocks) / len(state.blocks) if process else None,
            )
            started = time.perf_counter()
            try:
                state.parts.append(measuring.run())
            except Ended as ended:
                elapsed = time.perf_counter() - started
                self._tell(ended)
                state.record = assembly.broken_off(
                    state.comparison, state.parts, measuring.so_far, ended, self.seed, elapsed
                )
                self._end(state, journal)
                continue
            if self._more(state) or self._more_beside(state):  # else its record says it all
                journal.append(state.parts[-1])
            self._settle([state], journal)

    def _round_beside(self, states: Sequence[_State], journal: Journal) -> None:
        """Give each of these comparisons a process that has memory as the system gives it."""
        assert self.beside is not None
        for state in states:
            self.beside.replace()
            self._begin(state)
            measuring = self._measuring(
                self.beside, state.comparison, len(state.beside), beside=True
            )
            try:
                state.beside.append(measuring.run())
            except Ended as ended:
                self._tell(ended)
                state.given_up = ended.reason
            else:
                journal.append(state.beside[-1])
            self._settle([state], journal)
        self.beside.replace()

    def _measuring(
        self, workers: WorkerPool, comparison: Comparison, process: int, **how: Any
    ) -> Measuring:
        return Measuring(
            workers,
            comparison,
            process,
            limits=self.limits,
            seed=self.seed,
            progress=self.progress,
            spent=self.spent,
            deadline=time.perf_counter() + self.limits.patience,
            left=self._clock.left,
            pauses=self.pauses,
            **how,
        )

    def _begin(self, state: _State) -> None:
        self._clock.begin()
        self.progress.begin(state.comparison, self._clock.number, self._clock.total)

    def _tell(self, ended: Ended) -> None:
        if self.verbose and ended.trace:
            self.progress.note(ended.trace)

    def _settle(self, states: Sequence[_State], journal: Journal) -> None:
        """Complete what needs no further process, and write it down."""
        for state in states:
            if state.record is None and not self._more(state) and not self._more_beside(state):
                state.record = self._complete(state)
                self._end(state, journal)

    def _end(self, state: _State, journal: Journal) -> None:
        assert state.record is not None
        journal.append(self.as_written(state.record))
        self.progress.end(state.record)

    def _complete(self, state: _State) -> ComparisonRecord:
        comparison = state.comparison
        record = assembly.complete(
            comparison, state.parts, self._rule(state), self.seed, state.beside
        )
        if state.given_up is not None:
            said = f"with memory as the system gives it, a process ended early ({state.given_up})"
            record = replace(record, warnings=[*record.warnings, said])
        elif self.beside is not None and record.as_given is None:
            said = (
                "how far processes differ with memory as the system gives it can't be told, since"
            )
            said += " most blocks were disturbed; repeat it on a quieter machine"
            record = replace(record, warnings=[*record.warnings, said])
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
    """How long the run may still take: as long as the processes before, or their budget.

    Args:
        left: how many processes there will be yet, that in hand included.
        limits: of each comparison.
    """

    def __init__(self, left: Callable[[], int], limits: Limits) -> None:
        self._left = left
        self._share = limits.max_seconds / limits.processes
        self._started = time.perf_counter()
        self.number = 0
        self.total = 0

    def begin(self) -> None:
        """Another process begins."""
        self.total = self.number + self._left()
        self.number += 1

    def left(self, seconds: float) -> float:
        """Of the whole run, given those of the process in hand."""
        passed = time.perf_counter() - self._started
        done = self.number - 1
        each = passed / done if done else self._share
        return max(0.0, seconds) + max(0, self.total - self.number) * each
