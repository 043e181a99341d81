"""A worker process as the controlling process sees it: ask, wait, kill. Imports no torch."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from bench.worker import protocol
from semibackward_bench import home

START_TIMEOUT = 300.0
"""Seconds for a worker to start and to import torch."""
COMPILED = "SEMIBACKWARD_BENCH_COMPILED"
"""The variable that names the folder of compiled code, see `bench.worker.preparing`."""
LOOK_SECONDS = 0.5
"""How often to look whether a silent worker is still alive."""


UNKNOWN = 512
"""Stands for the exit code of a worker whose parent is gone, so that nobody can tell."""
_FROM_OUTSIDE = (signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM)
"""Signals that somebody sent: what ran did not end by itself."""


class WorkerDied(Exception):
    """The worker ended while it was asked something; the message says how.

    Attributes:
        lost: whether it was killed, or its machine can't be reached: nothing that it did itself.
    """

    def __init__(self, reason: str = "", *, lost: bool = False) -> None:
        super().__init__(reason)
        self.lost = lost


class WorkerTimeout(WorkerDied):
    """The worker did not answer in time; it has been killed."""


class Child(Protocol):
    """A process of ours, that was started or forked.

    Attributes:
        pid: its number; of its session too.
        stdin, stdout: what it reads and writes.
    """

    pid: int
    stdin: IO[str] | None
    stdout: IO[str] | None

    def poll(self) -> int | None:
        """Its exit code, minus a signal's number; None while it lives."""

    def wait(self, timeout: float | None = None) -> int:
        """The same once it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not after so many seconds.
        """


def spawn(
    log: IO[str],
    python: str = sys.executable,
    first: Sequence[Path] = (),
    variables: Mapping[str, str] | None = None,
) -> Child:
    """Start a worker, that does not look for modules in the current folder.

    Args:
        log: where it writes what it has to say.
        python: the interpreter to run it with.
        first: folders in which it looks for modules before anywhere else.
        variables: of its environment, where it differs from ours.
    """
    return subprocess.Popen(
        home.command("bench.worker.serve", python=python),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env=environment(first, variables or {}),
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


class WorkerProcess:
    """One child process running `bench.worker.serve`.

    It lives in a session of its own, so that Ctrl-C reaches the controlling process alone, which
    then ends it.

    Args:
        start: starts or forks it, given the file for what it has to say.
    """

    def __init__(self, start: Callable[[IO[str]], Child] = spawn) -> None:
        self._log = tempfile.TemporaryFile(  # noqa: SIM115 - open as long as the worker
            mode="w+", encoding="utf-8", errors="replace"
        )
        try:
            self._process = start(self._log)
        except BaseException:
            self._log.close()
            raise
        self.pids: tuple[int, ...] = (self._process.pid,)
        assert self._process.stdout is not None
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(
            target=_read, args=(self._process.stdout, self._answers), daemon=True
        )
        self._reader.start()
        try:
            self.facts = self.ask({"do": "describe"}, START_TIMEOUT)
        except BaseException:
            self.close()
            raise
        if self.facts["ok"] and self.facts["protocol"] != protocol.VERSION:
            raise WorkerDied(
                f"the worker speaks protocol {self.facts['protocol']}, not {protocol.VERSION}"
            )

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Args:
            request: see `bench.worker.serve`.
            timeout: seconds to wait.

        Raises:
            WorkerDied: it ended before it answered.
            WorkerTimeout: it did not answer in time.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        line = self._wait(time.monotonic() + timeout)
        if line is None:
            self.close()
            raise WorkerTimeout(f"the worker process did not answer within {timeout:.0f} s")
        if not line:
            raise self._died()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _wait(self, deadline: float) -> str | None:
        """The next answer; "" if the worker is dead, None if the deadline passes first.

        The end of its stream may not show a dead worker: a child it forked can hold it open.
        """
        while True:
            dead = self._process.poll() is not None
            left = deadline - time.monotonic()
            with contextlib.suppress(queue.Empty):
                return self._answers.get(timeout=max(0.0, min(left, LOOK_SECONDS)))
            if dead:
                return ""
            if left <= 0:
                return None

    def close(self) -> None:
        """End the worker and what it started, whatever they are doing."""
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        self._reader.join(LOOK_SECONDS)  # longer, if a child it forked holds the stream open
        if not self._reader.is_alive():
            self._process.stdout.close()  # type: ignore[union-attr]
        self._log.close()

    def chatter(self) -> str:
        """What the worker and its libraries have printed so far."""
        self._log.seek(0)
        return self._log.read()

    def _died(self) -> WorkerDied:
        code = self._process.wait()
        if code == UNKNOWN:
            how = "is gone, and so is what it was forked from"
        elif code < 0:
            name = signal.Signals(-code).name
            hint = " (out of memory?)" if name == "SIGKILL" else ""
            how = f"was killed by {name}{hint}"
        else:
            how = f"ended with exit code {code}"
        last = [line for line in self.chatter().splitlines() if line.strip()][-1:]
        said = f"; its last words: {last[0].strip()[:200]}" if last else ""
        return WorkerDied(
            f"the worker process {how}{said}", lost=code == UNKNOWN or -code in _FROM_OUTSIDE
        )


def environment(first: Sequence[Path], variables: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of a worker; see `spawn`."""
    found = {**os.environ, **variables}
    places = [str(folder.resolve()) for folder in first]
    if places:
        theirs = found.get("PYTHONPATH")
        found["PYTHONPATH"] = os.pathsep.join([*places, *([theirs] if theirs else [])])
    # cuBLAS reads this once, at its start; without it the equality gate can't be deterministic.
    found.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    found.setdefault(COMPILED, _compiled())
    return found


@functools.cache
def _compiled() -> str:
    """A folder for what workers compile, for as long as this process lives."""
    folder = tempfile.mkdtemp(prefix="semibackward-bench-")
    atexit.register(forget_compiled)
    return folder


def forget_compiled() -> None:
    """Remove the folder of what workers compiled, if there is one, before this process ends."""
    if _compiled.cache_info().currsize:
        shutil.rmtree(_compiled(), ignore_errors=True)


def _read(stdout: IO[str], answers: queue.SimpleQueue[str]) -> None:
    """Hand on each line; an empty string at the end of the stream."""
    for line in stdout:
        answers.put(line)
    answers.put("")
