"""Time cases inside each environment, a process of each in turn, so that a slow change of the
machine touches all environments alike. Imports no torch."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.cases import Comparison
from bench.errors import Ended
from bench.matrix.environments import Environments, NotInstalled
from bench.matrix.filling import Block, installed, starting
from bench.records.types import ComparisonRecord, ProcessRecord
from bench.running import assembly
from bench.running.measuring import Measuring, Spent, stop_rule
from bench.running.pool import WorkerPool
from bench.running.session import Session
from bench.statistics import planning


@dataclass
class Seat:
    """One environment while a comparison is timed in all of them.

    Attributes:
        block: what is asked of it.
        pool: where its workers come from.
        parts: what its processes have found.
        record: what came of it, once that is known.
        installed: versions by name of what its workers see.
    """

    block: Block
    pool: WorkerPool
    parts: list[ProcessRecord] = field(default_factory=list)
    record: ComparisonRecord | None = None
    installed: dict[str, str] = field(default_factory=dict)


@dataclass
class Timing:
    """Times the cells of a matrix.

    Attributes:
        session: what is open; its journal gets the cells.
        environments: where they are timed.
        spent: where the time went.
    """

    session: Session
    environments: Environments
    spent: Spent = field(default_factory=Spent)

    def run(self, blocks: Sequence[Block]) -> None:
        """Time all of them: each comparison in every environment that it is asked of.

        Raises:
            BenchError: uv is not here, or a record can't be written.
        """
        asked: dict[Comparison, list[Block]] = {}
        for block in blocks:
            for comparison in block.comparisons:
                asked.setdefault(comparison, []).append(block)
        with contextlib.ExitStack() as stack:
            pools = self._pools(blocks, stack)
            for number, (comparison, theirs) in enumerate(asked.items(), 1):
                self.session.progress.begin(comparison, number, len(asked))
                seats = [Seat(block, pools[block]) for block in theirs if block in pools]
                self._time(comparison, seats)

    def _pools(
        self, blocks: Sequence[Block], stack: contextlib.ExitStack
    ) -> dict[Block, WorkerPool]:
        """Where workers come from, in each environment that can be had; why not in the others is
        told where they are counted."""
        found = {}
        for planned in dict.fromkeys(block.planned for block in blocks):
            with contextlib.suppress(NotInstalled):
                base = stack.enter_context(self.environments.base(planned))
                for block in (one for one in blocks if one.planned == planned):
                    with contextlib.suppress(NotInstalled):
                        layer = self.environments.layer(base, block.library)
                        found[block] = WorkerPool(starting(base, layer, 1))
                        stack.callback(found[block].replace)
        return found

    def _time(self, comparison: Comparison, seats: Sequence[Seat]) -> None:
        """A process of each environment, again and again until none wants more."""
        while waiting := [seat for seat in seats if self._more(comparison, seat)]:
            for seat in waiting:
                self._process(comparison, seat)
        for seat in seats:
            if seat.record is None:
                rule = stop_rule(self.session.limits, comparison.case.device)
                seed = self.session.request.seed
                seat.record = assembly.complete(comparison, seat.parts, rule, seed)
            self.session.journal.append(seat.block.cell(seat.record, seat.installed))
            self.session.progress.end(seat.record)

    def _more(self, comparison: Comparison, seat: Seat) -> bool:
        if seat.record is not None:
            return False
        rule = stop_rule(self.session.limits, comparison.case.device)
        return planning.another(
            rule, [block for part in seat.parts for block in part.blocks], len(seat.parts)
        )

    def _process(self, comparison: Comparison, seat: Seat) -> None:
        limits, number = self.session.limits, len(seat.parts)
        self.session.progress.stage(str(seat.block))
        seat.pool.replace()
        measuring = Measuring(
            seat.pool,
            comparison,
            number,
            limits=limits,
            seed=self.session.request.seed,
            progress=self.session.progress,
            spent=self.spent,
            deadline=time.perf_counter() + limits.patience,
            left=lambda seconds: max(0.0, seconds),
            gate_only=number > 0,
            pauses=self.session.pauses,
        )
        started = time.perf_counter()
        try:
            seat.parts.append(measuring.run())
        except Ended as ended:
            if self.session.request.verbose and ended.trace:
                self.session.progress.note(ended.trace)
            seed, elapsed = self.session.request.seed, time.perf_counter() - started
            so_far = measuring.so_far
            seat.record = assembly.broken_off(comparison, seat.parts, so_far, ended, seed, elapsed)
        seat.installed = seat.installed or installed(seat.pool, comparison.case)
        seat.pool.replace()  # the next process is of another environment, and alone
