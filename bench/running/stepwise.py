"""Measure comparisons a process at a time, as long as somebody wants more of one. Imports no torch.

A comparison's record is written when nothing more is wanted of it; until then its processes' are on
disk.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bench.cases import Comparison
from bench.choosing.suites import Limits
from bench.errors import Ended
from bench.records.types import ComparisonRecord, ProcessRecord
from bench.running import assembly
from bench.running.measuring import Measuring, Spent, stop_rule
from bench.running.session import Session
from bench.statistics import planning, stopping


@dataclass
class Stepwise:
    """Comparisons on their way.

    Attributes:
        session: what is open.
        precision: half-width of the interval of the log ratio that is narrow enough.
        share: seconds of measuring, for each process.
        processes: that a comparison may have.
        total: how many steps there may be, for whoever watches.
        spent: where the time went.
    """

    session: Session
    precision: float
    share: float
    processes: int
    total: int
    spent: Spent = field(default_factory=Spent)
    _parts: dict[Comparison, list[ProcessRecord]] = field(default_factory=dict)
    _records: dict[Comparison, ComparisonRecord] = field(default_factory=dict)
    _steps: int = 0

    def parts(self, comparison: Comparison) -> Sequence[ProcessRecord]:
        """What its processes found so far."""
        return tuple(self._parts.get(comparison, ()))

    def another(self, comparison: Comparison, patience: float) -> ComparisonRecord:
        """Measure it in one more process; what all of them come to.

        Args:
            comparison: what to measure.
            patience: seconds after which the process is given up. One that is not the first costs
                no more than itself then.
        """
        limits = Limits(
            self.precision, self.share * self.processes, self.processes, timeout=patience
        )
        parts = self._parts.setdefault(comparison, [])
        self._steps += 1
        more = f", process {len(parts) + 1}" if parts else ""
        total = max(self.total, self._steps)
        self.session.progress.task(f"{comparison.variant}{more}", self._steps, total)
        self.session.pool.replace()
        measuring = self._measuring(comparison, limits)
        started = time.perf_counter()
        try:
            parts.append(measuring.run())
        except Ended as ended:
            record = self._broken_off(comparison, measuring, ended, time.perf_counter() - started)
        else:
            self.session.journal.append(parts[-1])
            rule = stop_rule(limits, comparison.case.device)
            record = assembly.complete(comparison, parts, rule, self.session.request.seed)
        self._records[comparison] = record
        self.session.progress.end(record)
        return record

    def settle(self) -> None:
        """Write down what all of them came to."""
        while self._records:
            self.session.journal.append(self._records.pop(next(iter(self._records))))

    def _measuring(self, comparison: Comparison, limits: Limits) -> Measuring:
        parts = self._parts[comparison]
        blocks = [block for part in parts for block in part.blocks]
        before = [part.elapsed - stopping.measured(part.blocks) for part in parts]
        return Measuring(
            self.session.pool,
            comparison,
            len(parts),
            limits=limits,
            seed=self.session.request.seed,
            progress=self.session.progress,
            spent=self.spent,
            deadline=time.perf_counter() + limits.patience,
            left=lambda seconds: max(0.0, seconds),
            gate_only=bool(parts),
            most=planning.blocks_of_next(blocks, before),
            usual=stopping.measured(blocks) / len(blocks) if blocks else None,
            pauses=self.session.pauses,
            operations=False,
        )

    def _broken_off(
        self, comparison: Comparison, measuring: Measuring, ended: Ended, elapsed: float
    ) -> ComparisonRecord:
        if self.session.request.verbose and ended.trace:
            self.session.progress.note(ended.trace)
        earlier = self._records.get(comparison)
        if earlier is not None:
            said = f"a further process ended early ({ended.reason})"
            return replace(earlier, warnings=[*earlier.warnings, said])
        seed = self.session.request.seed
        return assembly.broken_off(comparison, [], measuring.so_far, ended, seed, elapsed)
