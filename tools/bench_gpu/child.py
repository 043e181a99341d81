"""A program that runs under a time limit and leaves nothing behind.

It is the leader of a session of its own: Ctrl-C in a terminal reaches us alone, and we end it in
order, by SIGINT, as a user would; what does not end by that is killed with everything it started.
If we die, Linux sends it that SIGINT for us (`PR_SET_PDEATHSIG`).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 8.0
"""Seconds to end in order: a run writes each record as it comes, so there is little to do."""
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes:
        code: its exit code, minus a signal's number.
        cut: whether it was ended at its limit.
        killed: whether it had to be killed for that.
    """

    code: int
    cut: bool = False
    killed: bool = False


def run(
    words: Sequence[str],
    seconds: float,
    stdout: IO[bytes] | int | None = None,
    stderr: IO[bytes] | int | None = None,
) -> Ended:
    """Run `python -m` with these words at the root of the checkout, so many seconds at most.

    Raises:
        KeyboardInterrupt: we were interrupted; it has been ended.
    """
    process = start(words, stdout, stderr)
    try:
        return Ended(process.wait(seconds))
    except subprocess.TimeoutExpired:
        killed = end(process)
        return Ended(process.returncode, cut=True, killed=killed)
    except BaseException:
        end(process)
        raise


def start(
    words: Sequence[str],
    stdout: IO[bytes] | int | None = None,
    stderr: IO[bytes] | int | None = None,
) -> subprocess.Popen[bytes]:
    """Start it, tied to us."""
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env=environment(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        preexec_fn=_tied(os.getpid()),
    )


def end(process: subprocess.Popen[bytes], patience: float = PATIENCE) -> bool:
    """End it in order, or else kill it and everything it started; whether that was needed."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        # Workers have sessions of their own, so the group is not all of them.
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
        process.kill()
        process.wait()
        return True
    return False


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The child's variables: nothing it prints waits in a buffer, and numba compiles what runs once
    without optimising it."""
    return {"NUMBA_OPT": "0", **ours, "PYTHONUNBUFFERED": "1"}


def _tied(parent: int) -> Callable[[], None]:
    """What ties a child to us, between fork and exec."""
    prctl = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None

    def tie() -> None:
        # What runs in a shell's background ignores SIGINT, and so would its children.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
            if os.getppid() != parent:
                os._exit(1)  # we died in between

    return tie
