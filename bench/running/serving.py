"""One slot at work: it takes comparisons and measures each process of them. Imports no torch.

With several processes a comparison, all that the slot took have their first process before any has
its second, so that a slow change of the machine touches them all alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench import telling
from bench.cases import Comparison
from bench.choosing.suites import Limits
from bench.errors import Ended
from bench.records.types import ComparisonRecord
from bench.running import assembly
from bench.running.batch_search import BatchSearch, SearchFailed
from bench.running.measuring import Measuring, stop_rule
from bench.running.pool import WorkerPool
from bench.running.process import WorkerDied
from bench.running.progress import Progress
from bench.running.remaining import Remaining
from bench.running.slots import Slot
from bench.running.under_way import Queue, State
from bench.statistics import planning, stopping
from bench.statistics.stopping import StopRule

BESIDE = 3
"""Processes of a case that have memory as the system gives it, beside those that keep it: they show
that it matters; how far they lie apart is for `--memory system`, which has more of them."""
STARTS = 3
"""Workers in succession that can't be started before a slot is given up."""
SECONDS_BETWEEN_STARTS = 0.5


@dataclass(frozen=True)
class Orders:
    """What all slots of a run are told.

    Attributes:
        limits: how long and how exactly to measure.
        seed: of everything random.
        verbose: show the trace of what failed.
        batch_search: finds the largest batch that fits, if that was asked.
        explain: also dissect each case, in its first process.
        shared: whether a process serves all cases, where there are several processes; each case
            still meets as many as were asked for.
        retries: how often a comparison is begun again whose worker was killed or lost.
        others: whether there are further slots, that can do what one of no use leaves.
    """

    limits: Limits
    seed: int
    verbose: bool = False
    batch_search: BatchSearch | None = None
    explain: bool = False
    shared: bool = False
    retries: int = 0
    others: bool = False


class SlotGone(Exception):
    """No worker can be started there any more; the message says how the last try went."""


class RunOver(Exception):
    """Somebody ended the run; what is in hand is of no use any more, and nobody writes it down."""


class Serving:
    """One slot at work.

    Args:
        number: of the slot.
        slot: where its workers come from.
        orders: what is asked of it.
        queue: where comparisons come from.
        progress: who tells the user what it does.
        remaining: how long the run may still take.
        write: puts a line into the journal.
        ended: told of each comparison that is over.
    """

    def __init__(
        self,
        number: int,
        slot: Slot,
        orders: Orders,
        queue: Queue,
        progress: Progress,
        remaining: Remaining,
        write: Callable[[Any], object],
        ended: Callable[[ComparisonRecord], object],
    ) -> None:
        self._number = number
        self._slot = slot
        self._orders = orders
        self._queue = queue
        self._progress = progress
        self._remaining = remaining
        self._write = write
        self._ended = ended
        self._mine: list[State] = []

    def run(self) -> None:
        """Measure until there is nothing left for it.

        Raises:
            OutputError: a record can't be written.
        """
        try:
            while (state := self._queue.take(self._number, wait=True)) is not None:
                self._take(state)
                while (state := self._queue.take(self._number, wait=False)) is not None:
                    self._take(state)
                self._further()
        except RunOver:
            return
        except SlotGone as gone:
            name = telling.line(self._slot.name) or "the slot"
            self._progress.note(f"{name} is given up: {telling.line(str(gone))}")
            self._queue.give_back(self._number, [s for s in self._mine if not s.over])

    def _take(self, state: State) -> None:
        """Another comparison is this slot's: its first process, where none has run yet."""
        self._mine.append(state)
        state.keep_those_of(self._slot.place)
        if state.parts:
            self._settle(state)  # fewer are asked for than had run
            return
        self._process(state)

    def _further(self) -> None:
        """The further processes of all that it took."""
        self._mine = [state for state in self._mine if not state.over]
        while True:
            if round_ := [state for state in self._mine if self._more(state)]:
                process = min(len(state.parts) for state in round_)
                if self._several and self._orders.shared and process:
                    self._slot.workers.replace()
                for state in round_:
                    if len(state.parts) == process:  # a run that is resumed may be ahead with some
                        self._process(state)
            elif round_ := [state for state in self._mine if self._more_beside(state)]:
                self._slot.workers.replace()
                self._round_beside(round_)
            else:
                return

    @property
    def _several(self) -> bool:
        return self._orders.limits.processes > 1

    def _rule(self, state: State) -> StopRule:
        return stop_rule(self._orders.limits, state.comparison.case.device)

    def _more(self, state: State) -> bool:
        """Whether a comparison gets another process."""
        if state.over:
            return False
        return planning.another(self._rule(state), state.blocks, len(state.parts))

    def _more_beside(self, state: State) -> bool:
        """Whether it gets another one that has memory as the system gives it."""
        if self._slot.beside is None or state.over or state.given_up is not None:
            return False
        if state.blocks and not state.quiet:
            return False
        return len(state.beside) < BESIDE

    def _count(self, state: State) -> None:
        """How many processes a comparison will have yet, as far as is known."""
        left = 0
        if not state.over:
            beside = BESIDE - len(state.beside) if self._more_beside(state) else 0
            least = self._orders.limits.processes - len(state.parts)
            left = max(int(self._more(state)), least) + beside
        self._remaining.change(left - state.left)
        state.left = left

    def _process(self, state: State) -> None:
        """Give a comparison its next process; again, as often as is allowed, where it is lost."""
        while True:
            if self._several and not self._orders.shared:
                self._slot.workers.replace()
            self._ready(state)
            process = len(state.parts)  # none any more, where the slot came back elsewhere
            self._begin(state)
            measuring = self._measuring(
                self._slot.workers,
                state.comparison,
                process,
                explain=self._orders.explain and not process,
                gate_only=process > 0,
                most=planning.blocks_of_next(state.blocks, state.before),
                usual=stopping.measured(state.blocks) / len(state.blocks) if process else None,
            )
            started = time.perf_counter()
            try:
                found = measuring.run()
            except Ended as ended:
                if self._again(state, ended):
                    continue
                elapsed = time.perf_counter() - started
                seed = self._orders.seed
                state.record = assembly.broken_off(
                    state.comparison, state.parts, measuring.so_far, ended, seed, elapsed
                )
                self._end(state)
                return
            state.parts.append(replace(found, slot=self._slot.look()))
            if self._more(state) or self._more_beside(state):  # else its record says it all
                self._write(state.parts[-1])
            self._settle(state)
            return

    def _again(self, state: State, ended: Ended) -> bool:
        """Whether a comparison, a process of which ended early, is to be begun again.

        Raises:
            RunOver: its worker was ended with the run.
        """
        if self._queue.stopped:
            raise RunOver
        if self._orders.verbose and ended.trace:
            self._progress.note(ended.trace)
        if not ended.lost or state.tries > self._orders.retries:
            return False
        state.tries += 1
        said = f"{state.comparison.case}: begun again; {ended.reason}"
        self._progress.note(telling.line(said))
        return True

    def _ready(self, state: State) -> None:
        """See to it that there is a worker, where a lost slot may come back.

        Raises:
            SlotGone: there is none to be had; others have the comparison then.
        """
        if not self._orders.retries and not self._orders.others:
            return  # its case tells
        case = state.comparison.case
        for number in range(STARTS):
            if number:
                time.sleep(SECONDS_BETWEEN_STARTS)
            try:
                self._slot.workers.get(case.library, case.options.building)
            except WorkerDied as died:
                if self._queue.stopped:
                    raise RunOver from None
                if not died.lost:
                    return  # so will its case, and the record says how
                reason = str(died)
            else:
                state.keep_those_of(self._slot.place)
                return
        raise SlotGone(reason)

    def _round_beside(self, states: Sequence[State]) -> None:
        """Give each of these comparisons a process that has memory as the system gives it."""
        beside = self._slot.beside
        assert beside is not None
        for state in states:
            beside.replace()
            self._begin(state)
            measuring = self._measuring(beside, state.comparison, len(state.beside), beside=True)
            try:
                state.beside.append(replace(measuring.run(), slot=self._slot.look()))
            except Ended as ended:
                if self._again(state, ended):
                    self._ready(state)  # perhaps elsewhere, and then all of it anew
                    self._slot.workers.replace()
                else:
                    state.given_up = ended.reason
            else:
                self._write(state.beside[-1])
            self._settle(state)
        beside.replace()

    def _measuring(
        self, workers: WorkerPool, comparison: Comparison, process: int, **how: Any
    ) -> Measuring:
        limits = self._orders.limits
        return Measuring(
            workers,
            comparison,
            process,
            limits=limits,
            seed=self._orders.seed,
            progress=self._progress,
            spent=self._slot.spent,
            deadline=time.perf_counter() + limits.patience,
            left=self._remaining.left,
            pauses=self._slot.pauses,
            **how,
        )

    def _begin(self, state: State) -> None:
        self._count(state)
        state.left -= 1  # it is in hand
        self._progress.begin(state.comparison, *self._remaining.begin())

    def _settle(self, state: State) -> None:
        """Complete what needs no further process, and write it down."""
        if not self._more(state) and not self._more_beside(state):
            state.record = self._complete(state)
            self._end(state)
        else:
            self._count(state)

    def _end(self, state: State) -> None:
        assert state.record is not None
        where = self._slot.look()
        record = replace(state.record, slot=where, tries=state.tries, number=state.number)
        state.let_go()
        self._count(state)
        self._ended(record)
        self._progress.end(record)

    def _complete(self, state: State) -> ComparisonRecord:
        comparison, seed = state.comparison, self._orders.seed
        record = assembly.complete(comparison, state.parts, self._rule(state), seed, state.beside)
        if state.given_up is not None:
            said = f"with memory as the system gives it, a process ended early ({state.given_up})"
            record = replace(record, warnings=[*record.warnings, said])
        elif self._slot.beside is not None and record.as_given is None:
            said = (
                "how far processes differ with memory as the system gives it can't be told, since"
            )
            said += " most blocks were disturbed; repeat it on a quieter machine"
            record = replace(record, warnings=[*record.warnings, said])
        if self._orders.batch_search is None:
            return record
        self._progress.stage("looking for the largest batch that fits")
        try:
            found = self._orders.batch_search.run(comparison, self._slot.workers, seed)
        except SearchFailed as failed:
            said = f"the largest batch could not be found ({failed}); raise --timeout, or ask for a"
            return replace(record, warnings=[*record.warnings, f"{said} smaller --batch to start"])
        return replace(record, max_batch=found)
