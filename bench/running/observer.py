"""The processor's state while a process is measured, seen from the controlling process."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import psutil

from bench.statistics.conditions import Conditions
from bench.worker import cores

_SECONDS_BETWEEN_LOOKS = 1.0


class Observing(Protocol):
    """Sees a processor's state, from its making until `conditions` is asked."""

    def look(self) -> None:
        """Note the frequency, once in a while; call it between blocks."""

    def leaving_out(self, wait: Callable[[], object]) -> None:
        """Call this, and see nothing of what happens meanwhile."""

    def conditions(self) -> Conditions:
        """What has been seen so far."""


class Observer:
    """Looks at the processor from its making until `conditions` is asked.

    Args:
        pids: of the worker, or workers, whose own work does not count as other programs'; without
            any nobody can tell whose work is whose.
        held: numbers of the cores that these are held to; if none, all that this process may use,
            whose own work does not count either then.
    """

    def __init__(self, pids: Sequence[int], held: Sequence[int] = ()) -> None:
        self._cores = list(held) or cores.may_use()
        self._own: list[psutil.Process] = []
        ours = (*pids, *([] if held else [os.getpid()])) if pids else ()
        with contextlib.suppress(psutil.Error):
            self._own = [psutil.Process(pid) for pid in ours]
        self._started = time.monotonic()
        self._looked = -_SECONDS_BETWEEN_LOOKS
        self._busy = busy_seconds(self._cores)
        self._worked = self._own_seconds()
        self._mhz: list[float] = []
        self.look()

    def look(self) -> None:
        """Note the frequency, once in a while; call it between blocks."""
        now = time.monotonic()
        if now - self._looked < _SECONDS_BETWEEN_LOOKS:
            return
        self._looked = now
        with contextlib.suppress(OSError, NotImplementedError, AttributeError):
            found = psutil.cpu_freq()
            if found is not None and found.current:
                self._mhz.append(float(found.current))

    def leaving_out(self, wait: Callable[[], object]) -> None:
        """Call this, and see nothing of what happens meanwhile."""
        before = time.monotonic(), busy_seconds(self._cores), self._own_seconds()
        wait()
        after = time.monotonic(), busy_seconds(self._cores), self._own_seconds()
        self._started += after[0] - before[0]
        self._busy = _shifted(self._busy, before[1], after[1])
        self._worked = _shifted(self._worked, before[2], after[2])

    def conditions(self) -> Conditions:
        """What has been seen so far."""
        passed = max(time.monotonic() - self._started, 1e-9)
        busy, worked = busy_seconds(self._cores), self._own_seconds()
        others = None
        if None not in (busy, worked, self._busy, self._worked):
            others = max(0.0, (busy - self._busy - worked + self._worked) / passed)  # type: ignore[operator]
        return Conditions(
            cores=len(self._cores),
            others=None if others is None else round(others, 3),
            load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
            mhz=(min(self._mhz), max(self._mhz)) if self._mhz else None,
        )

    def _own_seconds(self) -> float | None:
        """Processor time of this process and the worker; None if the worker is gone or unknown."""
        if not self._own:
            return None
        try:
            times = [process.cpu_times() for process in self._own]
        except psutil.Error:
            return None
        return float(sum(found.user + found.system for found in times))


def _shifted(start: float | None, before: float | None, after: float | None) -> float | None:
    """A count's start, as if what was counted between had not been; None where nobody counts."""
    if start is None or before is None or after is None:
        return None
    return start + after - before


def busy_seconds(numbers: Sequence[int] = ()) -> float | None:
    """Processor time, in seconds, spent so far by anybody on some cores; on all that we may use
    if none are named."""
    try:
        every = psutil.cpu_times(percpu=True)
    except (OSError, psutil.Error):
        return None
    ours = [every[index] for index in numbers or cores.may_use() if index < len(every)]
    # Guests' time is in `user` already; waiting for a disk keeps no core busy.
    idle = ("idle", "iowait", "guest", "guest_nice")
    return float(
        sum(getattr(core, name) for core in ours for name in core._fields if name not in idle)
    )
