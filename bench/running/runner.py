"""Run comparisons in worker processes and write each one down as it ends. Imports no torch.

Each slot takes comparisons by itself, in a thread of its own where there are several; their records
come home to one journal, in any order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench import program
from bench.cases import Comparison
from bench.choosing.suites import Limits
from bench.errors import BenchError
from bench.records.journal import Journal
from bench.records.reading import Record
from bench.records.types import ComparisonRecord
from bench.running import threads
from bench.running.batch_search import BatchSearch
from bench.running.measuring import Spent
from bench.running.progress import Progress
from bench.running.remaining import Remaining
from bench.running.serving import BESIDE, Orders, Serving
from bench.running.slots import Slot
from bench.running.under_way import Queue, State
from semibackward_bench.grammar import counted


@dataclass
class Runner:
    """Measures comparisons.

    Attributes:
        slots: where they are measured.
        limits: how long and how exactly to measure.
        seed: of everything random.
        progress: who tells the user.
        verbose, batch_search, explain, shared, retries: see `bench.running.serving.Orders`.
        as_written: what goes into the journal for a comparison.
    """

    slots: Sequence[Slot]
    limits: Limits
    seed: int
    progress: Progress
    verbose: bool = False
    batch_search: BatchSearch | None = None
    explain: bool = False
    shared: bool = False
    retries: int = 0
    as_written: Callable[[ComparisonRecord], Record] = lambda record: record
    _writing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def spent(self) -> Spent:
        """Where the time of all slots went."""
        return sum((slot.spent for slot in self.slots), start=Spent())

    def run(self, comparisons: Sequence[Comparison], journal: Journal) -> list[ComparisonRecord]:
        """Measure each one and append its record to the journal; the records, in the order in
        which they ended. For a long run, `measure` keeps none of them.

        Raises:
            BenchError: no slot is left, or a record can't be written.
        """
        found: list[ComparisonRecord] = []
        self.measure(comparisons, journal, found.append)
        return found

    def measure(
        self,
        comparisons: Sequence[Comparison],
        journal: Journal,
        ended: Callable[[ComparisonRecord], object],
    ) -> None:
        """Measure each one, append its record to the journal, and keep nothing of it.

        Args:
            comparisons: what is asked.
            journal: the file of records.
            ended: told of each record, once it is in the journal; one at a time.

        Raises:
            BenchError: no slot is left, or a record can't be written.
        """
        done = journal.done()
        waiting = [c for c in comparisons if c.key not in done]
        if len(waiting) < len(comparisons):
            self.progress.note(f"{len(comparisons) - len(waiting)} already measured, not repeated")
        # A library's cases lie side by side, so that its worker serves them all.
        libraries = {c.case.library: None for c in waiting}
        places = {library: number for number, library in enumerate(libraries)}
        waiting.sort(key=lambda c: places[c.case.library])
        numbers = {comparison.key: number for number, comparison in enumerate(comparisons)}
        states = [self._state(c, numbers[c.key], journal) for c in waiting]
        orders = Orders(
            self.limits,
            self.seed,
            self.verbose,
            self.batch_search,
            self.explain,
            self.shared,
            self.retries,
            others=len(self.slots) > 1,
        )
        to_do = Queue(states, {number: slot.place for number, slot in enumerate(self.slots)})
        remaining = Remaining(self.limits, sum(state.left for state in states), len(self.slots))

        def write(record: Any) -> None:
            with self._writing:
                journal.append(record)

        def end(record: ComparisonRecord) -> None:
            with self._writing:
                journal.append(self.as_written(record))
                ended(record)

        serving = [
            Serving(
                number, slot, orders, to_do, slot.progress or self.progress, remaining, write, end
            )
            for number, slot in enumerate(self.slots)
        ]
        if len(serving) == 1:
            serving[0].run()
        else:
            self._together(serving, to_do)
        if left := to_do.left():
            raise BenchError(
                f"no slot is left, and {counted(left, 'comparison')} could not be measured; what"
                f" was is in {journal.path}: add {program.options('--out', journal.path)} --resume"
                " to go on"
            )

    def _state(self, comparison: Comparison, number: int, journal: Journal) -> State:
        key = comparison.key
        state = State(comparison, number, journal.parts(*key), journal.parts(*key, "system"))
        least = max(0, self.limits.processes - len(state.parts))
        both = any(slot.beside is not None for slot in self.slots)
        state.left = least + (max(0, BESIDE - len(state.beside)) if both else 0)
        return state

    def _together(self, serving: Sequence[Serving], to_do: Queue) -> None:
        """Each in a thread of its own.

        Raises:
            BaseException: what ended them.
        """
        pools = [pool for slot in self.slots for pool in slot.pools]

        def stop() -> None:
            to_do.stop()
            for pool in pools:
                pool.shut()  # a thread that waits for an answer gets none any more

        def ended() -> None:
            for pool in pools:
                pool.open()

        threads.together([one.run for one in serving], stop, ended)
