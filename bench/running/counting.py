"""Count comparisons in worker processes, and write each one down as it ends. Imports no torch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.cases import Comparison, Status
from bench.errors import Ended
from bench.records.journal import Journal
from bench.records.types import CountsRecord
from bench.running.measuring import ask
from bench.running.pool import WorkerPool
from bench.running.progress import Progress
from bench.statistics.counts import Counts
from bench.statistics.observed import Observed
from bench.worker import protocol


@dataclass
class CountRunner:
    """Counts comparisons.

    Attributes:
        workers: where workers come from.
        seed: of weights and attacks.
        patience: wall seconds after which a case is given up.
        progress: who tells the user.
        verbose: show the trace of what failed.
        one_worker: count all libraries in one process, for as long as none fails in it.
    """

    workers: WorkerPool
    seed: int
    patience: float
    progress: Progress
    verbose: bool = False
    one_worker: bool = False

    def run(self, comparisons: Sequence[Comparison], journal: Journal) -> list[CountsRecord]:
        """Count each one and append its record to the journal."""
        done = journal.counted()
        waiting = [c for c in comparisons if c.key not in done]
        if len(waiting) < len(comparisons):
            self.progress.note(f"{len(comparisons) - len(waiting)} already counted, not repeated")
        written = []
        for number, comparison in enumerate(waiting, 1):
            self.progress.begin(comparison, number, len(waiting))
            record = self.count(comparison)
            journal.append(record)
            if record.status != "ok":
                self.progress.note(f"  {record.status}: {record.reason}")
            written.append(record)
        return written

    def count(self, comparison: Comparison) -> CountsRecord:
        """Count one, however it ends."""
        case = comparison.case
        record = CountsRecord(
            case_id=case.id,
            case=case,
            baseline=comparison.baseline,
            variant=comparison.variant,
            status="failed",
            seed=self.seed,
        )
        try:
            found = self._ask(comparison)
        except Ended as ended:
            if self.verbose and ended.trace:
                self.progress.note(ended.trace)
            return replace(record, status=ended.status, reason=ended.reason)
        return replace(
            record,
            case=replace(case, library_version=found["version"]),
            status=_status(found),
            reason=found["unsuited"] or found["unequal"],
            parameters=found["parameters"],
            counts={name: Counts(**told) for name, told in found["counts"].items()},
            observed={name: Observed.from_json(told) for name, told in found["observed"].items()},
            warnings=found["warnings"],
        )

    def _ask(self, comparison: Comparison) -> dict[str, Any]:
        """Ask a worker, a fresh one if an earlier case left the settings of this one changed.

        Raises:
            Ended: it can't be counted.
        """
        library = "" if self.one_worker else comparison.case.library
        request = {"do": "count", **protocol.asked(comparison, self.seed)}
        deadline = time.perf_counter() + self.patience
        while True:
            left = deadline - time.perf_counter()
            answer = ask(self.workers, library, request, left, self.patience)
            if "stale" not in answer:
                found: dict[str, Any] = answer["counted"]
                return found
            self.workers.replace()


def _status(found: dict[str, Any]) -> Status:
    if found["unequal"] is None:
        return "ok"
    return "unequal" if found["unsuited"] is None else "reads parameter gradients"
