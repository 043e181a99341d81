"""What a job of a job array does: a shard of a run, in a process of its own.

Submitit hands a `ShardJob` over to the job, where Python finds it by this module's name, which no
folder of a user's has. Imports nothing of ours, and submitit only inside a job.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

COMPLETE = (0, 5)
"""Exit codes of a run that came to its end; with 5, some case ended other than ok, and says so."""
PATIENCE = 45.0
"""Seconds that a run has to end in, once it is told to."""
_IGNORED = (signal.SIGUSR1, signal.SIGUSR2)
"""What Slurm announces the end of a job's time with, to each of its processes. We are who heeds it:
it would end the run on the spot."""


def name_of(number: int | str, count: int) -> str:
    """The file of a shard's records.

    Args:
        number: of the shard.
        count: how many there are.
    """
    return f"shard-{number}-of-{count}.jsonl"


class Stopped(RuntimeError):
    """The run did not come to its end; its exit code is told."""


class ShardJob:
    """Runs a shard, and is asked for what is to be done when its job is put into the queue again.

    Args:
        words: of `run`, without what names a shard and a file.
        count: how many shards there are.
        folder: where the records go.
    """

    def __init__(self, words: Sequence[str], count: int, folder: Path) -> None:
        self.words = tuple(words)
        self.count = count
        self.folder = str(folder)
        self._running: subprocess.Popen[bytes] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_running": None}

    def __call__(self, number: int) -> int:
        """Run a shard, or go on with it.

        Args:
            number: of the shard, from 1 on.

        Returns:
            the run's exit code.

        Raises:
            Stopped: it did not come to its end.
        """
        self._running = subprocess.Popen(self.command(number), preexec_fn=_deaf)
        try:
            os.waitid(os.P_PID, self._running.pid, os.WEXITED | os.WNOWAIT)
        finally:
            self._end()
        code = self._running.wait()
        if code not in COMPLETE:
            raise Stopped(f"shard {number}/{self.count} ended with exit code {code}")
        return code

    def command(self, number: int) -> list[str]:
        """The command line that runs a shard."""
        out = str(Path(self.folder, name_of(number, self.count)))
        shard = f"{number}/{self.count}"
        program = [sys.executable, "-m", __package__, "run", *self.words]
        return [*program, "--shard", shard, "--out", out, "--resume"]

    def checkpoint(self, number: int) -> Any:
        """End the run, and say what is to be done next time: submitit asks before the job's time is
        up, or it makes room for another.

        Args:
            number: of the shard.
        """
        from submitit.helpers import DelayedSubmission

        self._end()
        return DelayedSubmission(self, number)

    def _end(self) -> None:
        """See to it that the run has ended; what it measured is on disk.

        A signal may have us here while we wait for the run, so nothing is locked, and who waits has
        its exit code.
        """
        running = self._running
        if running is None or running.returncode is not None:
            return
        until = time.monotonic() + PATIENCE
        ended = _ended(running.pid)
        if not ended:
            os.kill(running.pid, signal.SIGTERM)
        while not ended and time.monotonic() < until:
            time.sleep(0.1)
            ended = _ended(running.pid)
        if not ended:
            os.kill(running.pid, signal.SIGKILL)


def _ended(pid: int) -> bool:
    """Whether a child has; it is still to be waited for, so that its number stays its own."""
    try:
        found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    except ChildProcessError:
        return True
    return found is not None


def _deaf() -> None:
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
