"""A line to a keeper over the pipes of a command. Imports no torch."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import IO, Any

from bench import telling
from bench.running.far import LineLost
from semibackward_bench import home

KEEPER = "bench.running.keeping"
SECONDS_TO_END = 5.0
"""That a command has to end by itself, once its stdin is closed, before it is told to."""


class CommandLine:
    """A keeper that a command starts, which passes stdin and stdout on, as `ssh HOST` does.

    Args:
        command: its words, the keeper's behind them.
        variables: of its environment, where it differs from ours.
    """

    def __init__(self, command: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
        self._log = tempfile.TemporaryFile(  # noqa: SIM115 - open as long as the line
            mode="w+", encoding="utf-8", errors="replace"
        )
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env={**os.environ, **(variables or {})},
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # so that Ctrl-C reaches the controlling process alone
            )
        except OSError as error:
            self._log.close()
            said = f"{command[0]} can't be run: {error.strerror}"
            raise LineLost(telling.line(said)) from error
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """The keeper's answer; what the command itself prints before it is passed over.

        Raises:
            LineLost: there is none.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise LineLost(self._ending()) from None
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._answers.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise LineLost(f"nothing came back within {timeout:.0f} s") from None
            if not line:
                self._answers.put("")  # for whoever asks next
                raise LineLost(self._ending())
            with contextlib.suppress(ValueError):
                answer = json.loads(line)
                if isinstance(answer, dict) and "ok" in answer:
                    return answer

    def close(self) -> None:
        """End the command, and with it the keeper, which ends when its stdin does."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None:
                with contextlib.suppress(OSError):
                    os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(SECONDS_TO_END)
                break
        with contextlib.suppress(ValueError):
            self._log.close()

    def _read(self, stdout: IO[str]) -> None:
        with stdout:
            for line in stdout:
                self._answers.put(line)
        self._answers.put("")

    def _ending(self) -> str:
        """How the command ended, and its last words."""
        try:
            code = self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            return "it closed its output and goes on"
        how = (
            f"was killed by {signal.Signals(-code).name}"
            if code < 0
            else f"ended with exit code {code}"
        )
        try:
            self._log.seek(0)
            words = [line for line in self._log.read().splitlines() if line.strip()]
        except ValueError:
            words = []  # it was closed by another thread
        said = f"; its last words: {telling.line(words[-1].strip()[:200])}" if words else ""
        return f"the command {how}{said}"


class Lines:
    """The lines of an engine, which ends them together."""

    def __init__(self) -> None:
        self._open: weakref.WeakSet[CommandLine] = weakref.WeakSet()
        self._closed = False
        self._changing = threading.Lock()

    def line(self, command: Sequence[str]) -> CommandLine:
        """Another one, by this command.

        Raises:
            LineLost: there is none, or they have been ended.
        """
        with self._changing:
            if self._closed:
                raise LineLost("the run has ended")
            made = CommandLine(command)
            self._open.add(made)
        return made

    def close(self) -> None:
        """End all of them, for ever: who waits for an answer gets none."""
        with self._changing:
            self._closed = True
            lines = list(self._open)
        for each in lines:
            each.close()


def keeper(python: str | None) -> list[str]:
    """The command that starts a keeper.

    Args:
        python: the interpreter there, which has this program installed; None where all lies in the
            same place as here.
    """
    if python is None:
        return home.command(KEEPER)
    return [python, "-m", home.__name__, KEEPER]
