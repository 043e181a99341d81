"""Whether records can be written to a path, and what is there already."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from pathlib import Path

from bench import files
from bench.errors import UsageError

_STEP = 2**16
"""Bytes that are looked through at a time for the last line."""

_REQUEUED = "SLURM_RESTART_COUNT"
"""Where Slurm tells a job how often it has been put into the queue again."""
_DYING = 120.0
"""Seconds that the job before it may yet need to end, or the lock of its machine to be given up."""


def found(path: Path) -> os.stat_result | None:
    """What is there; None for nothing, or a link that leads nowhere."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def special(path: Path, there: os.stat_result, *, resume: bool) -> int:
    """What is no file, open for writing.

    Raises:
        UsageError: it can't be used.
        OSError: it can't be opened.
    """
    if stat.S_ISDIR(there.st_mode):
        raise UsageError(f"{path} is a folder; name a file in it with --out")
    if not (stat.S_ISCHR(there.st_mode) or stat.S_ISFIFO(there.st_mode)):
        raise UsageError(f"{path} is no file that can be written to; name another with --out")
    if resume:
        raise UsageError(f"{path} can't be read again, so not resumed; name a file with --out")
    if stat.S_ISFIFO(there.st_mode) and files.is_stdout(there):
        raise UsageError(f"{path} is where the tables go; name another file with --out")
    try:
        opened = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if stat.S_ISFIFO(there.st_mode) and error.errno == errno.ENXIO:
            raise UsageError(f"nobody reads from {path}; start what does, then measure") from error
        raise
    os.set_blocking(opened, True)
    return opened


def check(path: Path, there: os.stat_result | None, *, resume: bool) -> None:
    """Whether a file can be called so, and written to.

    Raises:
        UsageError: it can't.
    """
    if there is not None and files.is_stdout(there):
        raise UsageError(f"{path} is where the tables go; name another file with --out")
    if there is not None and not resume:
        raise UsageError(f"{path} exists; go on with it by --resume, or name another with --out")
    if there is None and path.suffix == ".gz":
        raise UsageError(
            f"{path}: records are written unpacked, so that a killed run keeps them; name"
            f" {path.with_suffix('')} with --out, and gzip it afterwards"
        )


def last_line(file: int) -> tuple[int, bytes]:
    """The size of a file, and what is behind its last line feed."""
    size = place = os.fstat(file).st_size
    last = b""
    while place:
        length = min(_STEP, place)
        place -= length
        _, feed, behind = os.pread(file, length, place).rpartition(b"\n")
        last = behind + last
        if feed:
            break
    return size, last


def locked(file: int) -> bool:
    """Lock a file; whether nobody else has it.

    A job that Slurm has put into the queue again waits for the one before it, which may be dying.
    """
    until = time.monotonic() + (_DYING if os.environ.get(_REQUEUED) else 0.0)
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(1.0)
        except OSError:
            return True  # a file system without locks
        else:
            return True
