"""Find the largest batch that fits, by doubling and halving. Imports no torch.

An attack of forty steps needs hardly more memory than one of a single step, and takes forty times
as long: so batches are tried with one. Hardly more is not no more: from the second step on, the
gradients of the first are there, and some attacks keep something of every step. So what was found
is tried once more as it was asked for, and where it does not fit then, the search goes on below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import psutil

from bench.cases import Case, Comparison, Options
from bench.records.memory import MaxBatch
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
        """Search for both variants; each try builds the case anew and runs it.

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
        for variant in (comparison.baseline, comparison.variant):
            workers.replace()

            def fits(batch: int, options: Options, variant: str = variant) -> bool:
                case = replace(comparison.case, batch=batch, options=options)
                return self._fits(
                    Comparison(case, variant, comparison.baseline), workers, seed, limit
                )

            largest[variant], failed[variant] = _search(fits, comparison.case)
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


def _search(fits: Callable[[int, Options], bool], case: Case) -> tuple[int, int | None]:
    """As `search`: in one step, and what is found as it was asked for."""
    own, brief = case.options, case.options.in_one_step()
    good, bad = search(lambda batch: fits(batch, brief), case.batch)
    if brief == own or not good or fits(good, own):
        return good, bad
    return narrowed(lambda batch: fits(batch, own), 0, good)


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
    return narrowed(fits, good, bad)


def narrowed(fits: Callable[[int], bool], good: int, bad: int) -> tuple[int, int]:
    """Halve the gap between a size that fits and one that does not, as `search` does."""
    while bad - good > max(1, good // 30):
        middle = (good + bad) // 2
        if fits(middle):
            good = middle
        else:
            bad = middle
    return good, bad
