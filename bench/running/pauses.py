"""Wait until other programs leave the cores that a block needs. Imports no torch.

Two threads that meet after every operation, and a third program that wants one of their cores:
a run then takes not half again as long but ten times, until that program sleeps. To wait for its
pause costs less than such a block does, and gives one that counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.running import observer
from bench.worker.cores import may_use

WINDOW = 0.05
"""Seconds of one look at the cores."""
BUSY = 0.3
"""Cores by which others may go beyond those that are free: noise of a short look."""
AT_ONCE = 10.0
"""Seconds that a block waits at most: who never pauses is not waited for again and again."""


class Pauses:
    """Waits of one run of the program.

    Args:
        seconds: that they may take together.
        threads: that a measured process computes with.
        cores: that we may use; as many as there are if None.
        busy: processor time that anybody has spent on them so far, in seconds; None where nobody
            tells.
        clock, sleep: of the system's.

    Attributes:
        waited: seconds so far, looks that found nothing not counted.
    """

    def __init__(
        self,
        seconds: float,
        threads: int,
        *,
        cores: int | None = None,
        busy: Callable[[], float | None] = observer.busy_seconds,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.waited = 0.0
        self._seconds = seconds
        self._free = (len(may_use()) if cores is None else cores) - threads
        self._busy = busy
        self._clock = clock
        self._sleep = sleep

    def wait(self, told: Callable[[], object] = lambda: None) -> None:
        """Return when others leave the cores that are needed, or have been waited for long enough.

        Nothing of this run may compute meanwhile.

        Args:
            told: called once if there is something to wait for.
        """
        until = min(AT_ONCE, self._seconds - self.waited)
        begun = self._clock()
        found = False
        while self._clock() - begun < until and self._taken():
            if not found:
                told()
                found = True
        if found:
            self.waited += self._clock() - begun

    def _taken(self) -> bool:
        """Whether others keep a core busy that a block needs; looks for a moment."""
        before, began = self._busy(), self._clock()
        self._sleep(WINDOW)
        after, ended = self._busy(), self._clock()
        if before is None or after is None:
            return False
        return (after - before) / (ended - began) > max(0, self._free) + BUSY
