"""Where the runner's workers come from, and when they are replaced. Imports no torch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from adapters import layers
from bench.running.observer import Observer, Observing
from bench.running.process import WorkerDied, WorkerProcess


class Worker(Protocol):
    """A worker process, or a test's stand-in; see `bench.running.process.WorkerProcess`."""

    facts: dict[str, Any]
    pids: tuple[int, ...]

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]: ...

    def close(self) -> None: ...


Start = Callable[[str, str], Worker]
"""Starts a worker for a library ("": for none yet) and the function that builds its cases."""


def afresh(library: str = "", building: str = "") -> Worker:
    """A worker that imports everything itself."""
    return WorkerProcess()


Observed = Callable[[Worker], Observing]
"""What sees the processor of a worker's machine, from when it is called."""


def _beside_us(worker: Worker) -> Observing:
    return Observer(worker.pids)


class WorkerPool:
    """At most one worker at a time, kept for as long as the library stays the same: libraries mend
    and patch modules for themselves, and none shall meet another's mends. One that has a layer
    needs a worker that was started in it.

    Args:
        start: starts them.
        observed: what sees the processor of a worker's machine.

    Attributes:
        start_seconds: wall seconds that starting workers has taken.
    """

    def __init__(self, start: Start = afresh, observed: Observed = _beside_us) -> None:
        self._start = start
        self._observed = observed
        self._library = ""
        self._worker: Worker | None = None
        self._shut = False
        self._closing = threading.Lock()
        self.start_seconds = 0.0

    @property
    def empty(self) -> bool:
        """Whether the next worker will be a fresh one."""
        return self._worker is None

    def get(self, library: str = "", building: str = "") -> Worker:
        """The worker for a library ("": for none yet); started if need be.

        Args:
            library: whose cases it will run.
            building: what builds them, "" where nobody knows yet.

        Raises:
            WorkerDied: it can't be started.
        """
        if library != self._library and (self._library or layers.of(library)):
            self.replace()
        worker = self._worker
        if worker is None:
            self._check_open()
            started = time.perf_counter()
            worker = self._worker = self._start(library, building)
            self.start_seconds += time.perf_counter() - started
            self._check_open()
        self._library = library
        return worker

    def observer(self, library: str) -> Observing:
        """Sees the processor of the machine of a library's worker, from now on."""
        return self._observed(self.get(library))

    def replace(self) -> None:
        """End the worker, so that the next one is fresh."""
        with self._closing:
            if self._worker is not None:
                self._worker.close()
            self._worker = None
            self._library = ""

    def shut(self) -> None:
        """End the worker, and start none any more; for another thread than that which asks."""
        self._shut = True
        self.replace()

    def open(self) -> None:
        """Start workers again."""
        self._shut = False

    def _check_open(self) -> None:
        """Shut it again where another thread did while a worker was started."""
        if self._shut:
            self.replace()
            raise WorkerDied("the run has ended")

    def use(self, start: Start) -> None:
        """Have all further workers started in another way."""
        self.replace()
        self._start = start
