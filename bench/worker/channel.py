"""A worker's line to the controlling process, and what user code finds in place of it.

Requests and answers go over file descriptors that only this module knows: user code finds stdin
empty and stdout turned into stderr, and a process that it forks has no part in the conversation.
Imports no torch.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import queue
import signal
import sys
import threading
import traceback
from typing import Any, NoReturn

NO_KEYBOARD = (
    "nobody can type into a measured run, stdin is empty there; take out input(), breakpoint() and"
    " what else reads from the keyboard"
)
_AT_ONCE = 65536
"""Bytes read at a time."""


class Channel:
    """Requests in, answers out. Made once in a process, before any user code runs.

    When the requests end, because the controlling process closed them or died, this process ends
    too, with what it forked, also in the middle of a run.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._requests, self._answers = os.dup(0), os.dup(1)  # neither is inherited on exec
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)
        os.dup2(2, 1)
        sys.stdin = NoKeyboard()
        sys.breakpointhook = _no_debugger
        os.register_at_fork(after_in_child=self._leave)
        self._waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def ours(self) -> bool:
        """Whether this is the process that made it, and no fork of it."""
        return os.getpid() == self._pid

    def next(self) -> dict[str, Any]:
        """The next request, once there is one."""
        return self._waiting.get()

    def send(self, answer: dict[str, Any]) -> None:
        """Answer the last request."""
        left = memoryview((json.dumps(answer) + "\n").encode())
        while left:
            left = left[os.write(self._answers, left) :]

    def _read(self) -> None:
        """Without a buffered reader: its lock would be held in every fork, and stop it for good."""
        text = b""
        while found := os.read(self._requests, _AT_ONCE):
            *lines, text = (text + found).split(b"\n")
            for line in lines:
                self._waiting.put(json.loads(line))
        _end()

    def _leave(self) -> None:
        """In a fork: it neither reads nor answers, nor holds the pipes open."""
        for file in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                os.close(file)


class NoKeyboard(io.TextIOBase):
    """A stdin that says why there is nothing to read."""

    encoding = "utf-8"
    mode = "r"
    name = "<stdin>"

    def read(self, *_: Any) -> str:
        raise EOFError(NO_KEYBOARD)

    def readline(self, *_: Any) -> str:  # type: ignore[override]
        raise EOFError(NO_KEYBOARD)

    def readlines(self, *_: Any) -> list[str]:  # type: ignore[override]
        raise EOFError(NO_KEYBOARD)

    def __next__(self) -> str:  # type: ignore[override]
        raise EOFError(NO_KEYBOARD)

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 0

    @property
    def buffer(self) -> NoKeyboard:
        """It has no bytes either."""
        return self


def leave_fork(error: BaseException | None = None) -> NoReturn:
    """End a fork that came back from user code, as Python would have ended it there."""
    code: object = 0
    if isinstance(error, SystemExit):
        code = error.code or 0
    elif error is not None:
        traceback.print_exception(type(error), error, error.__traceback__)
        code = 1
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code & 0xFF)


def _end() -> NoReturn:
    """End this process, and what is left of its group where it leads one, as every worker does."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)  # raises where it has no child
        if os.getpgid(0) == os.getpid():
            os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _no_debugger(*_: Any, **__: Any) -> None:
    raise EOFError(NO_KEYBOARD)
