"""How long a run may still take. Shared by the slots' threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from bench.choosing.suites import Limits


class Remaining:
    """Counts processes: those to come take as long as those before, or their budget.

    Args:
        limits: of each comparison.
        processes: how many there will be, as far as is known.
        slots: how many run at a time.
        clock: tells seconds.
    """

    def __init__(
        self,
        limits: Limits,
        processes: int,
        slots: int = 1,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._lock = threading.Lock()
        self._share = limits.max_seconds / limits.processes
        self._slots = slots
        self._clock = clock
        self._started = clock()
        self._left = processes
        self._number = 0

    def change(self, more: int) -> None:
        """There will be so many more of them, or fewer, than was known before."""
        with self._lock:
            self._left += more

    def begin(self) -> tuple[int, int]:
        """Another process begins: its number, and of how many."""
        with self._lock:
            self._left -= 1
            self._number += 1
            return self._number, self._number + max(0, self._left)

    def left(self, seconds: float) -> float:
        """Of the whole run, given those of the process in hand."""
        with self._lock:
            passed = self._clock() - self._started
            done = self._number - self._slots
            each = passed / done * self._slots if done > 0 else self._share
            to_come = max(0, self._left)
        return max(0.0, seconds) + to_come * each / self._slots
