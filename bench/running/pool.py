"""Where the runner's workers come from, and when they are replaced. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from bench.running.process import WorkerProcess


class Worker(Protocol):
    """A worker process, or a test's stand-in; see `bench.running.process.WorkerProcess`."""

    facts: dict[str, Any]
    start_seconds: float
    pids: tuple[int, ...]

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]: ...

    def close(self) -> None: ...


class WorkerPool:
    """At most one worker at a time, kept for as long as the library stays the same: libraries mend
    and patch modules for themselves, and none shall meet another's mends."""

    def __init__(self, start: Callable[[], Worker] = WorkerProcess) -> None:
        self._start = start
        self._library = ""
        self._worker: Worker | None = None
        self.start_seconds = 0.0

    @property
    def empty(self) -> bool:
        """Whether the next worker will be a fresh one."""
        return self._worker is None

    def get(self, library: str = "") -> Worker:
        """The worker for a library ("": for none yet); started if need be.

        Raises:
            WorkerDied: it can't be started.
        """
        if self._library and library != self._library:
            self.replace()
        if self._worker is None:
            self._worker = self._start()
            self.start_seconds += self._worker.start_seconds
        self._library = library
        return self._worker

    def replace(self) -> None:
        """End the worker, so that the next one is fresh."""
        if self._worker is not None:
            self._worker.close()
        self._worker = None
        self._library = ""
