"""Find the largest batch that fits, by doubling and halving. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import psutil

from bench.cases import BASELINE, Comparison
from bench.records.types import MaxBatch
from bench.running.pool import WorkerPool
from bench.running.process import WorkerDied, WorkerTimeout
from bench.worker import protocol

CEILING = 2**16
"""Images; no larger batch is tried."""
SHARE_OF_FREE = 0.8
"""Of the machine's free memory, which a worker on a CPU may use if no limit was given."""


class SearchFailed(Exception):
    """The search met something other than too little memory; the message says what."""


@dataclass(frozen=True)
class BatchSearch:
    """What a search may use.

    Attributes:
        limit: bytes for one worker; None: the GPU's own memory, or most of the machine's free.
        timeout: seconds for one try.
    """

    limit: int | None
    timeout: float

    def run(self, comparison: Comparison, workers: WorkerPool, seed: int) -> MaxBatch:
        """Search for both variants; each try builds the case anew and runs it once.

        Raises:
            SearchFailed: a try ended in something other than too little memory.
        """
        device = comparison.case.device
        limit = self.limit
        if limit is None and device == "cpu":
            workers.replace()  # what it holds is free again
            limit = int(SHARE_OF_FREE * psutil.virtual_memory().available)
        largest: dict[str, int] = {}
        failed: dict[str, int | None] = {}
        for variant in (BASELINE, comparison.variant):
            workers.replace()

            def fits(batch: int, variant: str = variant) -> bool:
                case = replace(comparison.case, batch=batch)
                return self._fits(Comparison(case, variant), workers, seed, limit)

            largest[variant], failed[variant] = search(fits, comparison.case.batch)
        workers.replace()
        return MaxBatch(largest, failed, limit)

    def _fits(
        self, comparison: Comparison, workers: WorkerPool, seed: int, limit: int | None
    ) -> bool:
        """One try. A worker that ends, as one does whose memory the system refuses, counts as a no
        where there is a limit."""
        asked = {"do": "try", **protocol.asked(comparison, seed)}
        fresh = workers.empty
        try:
            worker = workers.get(comparison.case.library)
            if fresh and limit is not None:
                request = {"do": "limit", "count": limit, "device": comparison.case.device}
                limited = worker.ask(request, self.timeout)
                if not limited["ok"]:
                    raise SearchFailed(limited["reason"])
            answer = worker.ask(asked, self.timeout)
        except WorkerTimeout as late:
            workers.replace()
            raise SearchFailed(f"batch {comparison.case.batch}: {late}") from late
        except WorkerDied as died:
            workers.replace()
            if limit is None:
                raise SearchFailed(f"batch {comparison.case.batch}: {died}") from died
            return False
        if answer["ok"]:
            return True
        workers.replace()
        if answer["status"] != "out-of-memory":
            raise SearchFailed(f"batch {comparison.case.batch}: {answer['reason']}")
        return False


def search(fits: Callable[[int], bool], start: int) -> tuple[int, int | None]:
    """The largest size that fits, and the smallest that was seen not to.

    Doubles from `start`, then halves the gap until it is 1, or a thirtieth of the size: where
    memory is in fragments, anything finer is a matter of luck.

    Args:
        fits: whether a size does; taken to be monotone.
        start: at least 1.

    Returns:
        0 if not even 1 fits; None as the second if `CEILING` does.
    """
    good, bad = 0, None
    size = start
    while bad is None:
        if fits(size):
            good = size
            if size >= CEILING:
                return good, None
            size = min(2 * size, CEILING)
        else:
            bad = size
    while bad - good > max(1, good // 30):
        middle = (good + bad) // 2
        if fits(middle):
            good = middle
        else:
            bad = middle
    return good, bad
