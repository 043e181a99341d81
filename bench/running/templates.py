"""Templates, from which workers are forked: the controlling side. Imports no torch.

Importing torch, timm and a library takes seconds, and forking a process that has done so takes
milliseconds. A tree of templates shares what is alike: the first has torch, its branches what a
kind's building imports, and theirs a library each. See `bench.worker.template` for what makes a
fork as good as a fresh process.
"""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, Any

import psutil

from bench.running.process import START_TIMEOUT, UNKNOWN, WorkerProcess, environment, spawn
from bench.worker.protocol import MOST_BYTES
from semibackward_bench import home

_SECONDS_BETWEEN_LOOKS = 0.005
_WHO = "the process that workers are forked from"
"""A template, for users."""


def possible() -> bool:
    """Whether processes can be forked here without surprises: macOS's frameworks refuse it."""
    return sys.platform.startswith("linux")


class TemplateGone(Exception):
    """It ended, as when memory runs out, or is of no use any more; the message says which."""


class Template:
    """A process that forks.

    Args:
        channel: to it.
        process: itself, where it was started; None where another template forked it.
    """

    def __init__(
        self, channel: socket.socket, process: subprocess.Popen[bytes] | None = None
    ) -> None:
        self._channel = channel
        self._process = process
        self._lock = threading.Lock()

    @classmethod
    def start(cls, variables: Mapping[str, str]) -> Template:
        """One that has imported torch.

        Args:
            variables: of its environment, where it differs from ours.
        """
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            process = subprocess.Popen(
                home.command("bench.worker.template", str(its.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment((), variables),
                pass_fds=[its.fileno()],
                start_new_session=True,
            )
        return cls(ours, process)

    def ask(
        self, request: dict[str, Any], files: Sequence[int] = (), timeout: float = START_TIMEOUT
    ) -> dict[str, Any]:
        """Send a request and wait for its answer; see `bench.worker.template`.

        Raises:
            TemplateGone: or it does not answer.
        """
        with self._lock:
            self._channel.settimeout(timeout)
            try:
                socket.send_fds(self._channel, [json.dumps(request).encode()], list(files))
                text = self._channel.recv(MOST_BYTES)
            except OSError as error:
                raise TemplateGone(f"{_WHO} does not answer ({error})") from error
        if not text:
            raise TemplateGone(f"{_WHO} has ended")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def branch(self) -> Template:
        """Another one, that has imported the same."""
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            self.ask({"do": "branch"}, [its.fileno()])
        return Template(ours)

    def fork(self, log: IO[str]) -> Forked:
        """A worker.

        Args:
            log: where it writes what it has to say.

        Raises:
            TemplateGone: it can't.
        """
        its_in, our_out = os.pipe()
        our_in, its_out = os.pipe()
        try:
            told = self.ask({"do": "fork"}, [its_in, its_out, log.fileno()])
            if not told["ok"]:
                raise TemplateGone(f"{_WHO} can't fork ({told['reason']})")
        except BaseException:
            os.close(our_out)
            os.close(our_in)
            raise
        finally:
            os.close(its_in)
            os.close(its_out)
        return Forked(told["pid"], our_out, our_in, self)

    def close(self) -> None:
        """End it; what it forked goes on."""
        self._channel.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Forked:
    """A worker that a template forked, and looks after.

    Args:
        pid: its number.
        stdin, stdout: our ends of its pipes.
        template: its parent.
    """

    def __init__(self, pid: int, stdin: int, stdout: int, template: Template) -> None:
        self.pid = pid
        self.stdin: IO[str] | None = os.fdopen(stdin, "w", encoding="utf-8")
        self.stdout: IO[str] | None = os.fdopen(stdout, encoding="utf-8")
        self._template = template
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            try:
                self._code = self._template.ask({"do": "poll", "pid": self.pid})["code"]
            except (TemplateGone, KeyError):
                self._code = None if psutil.pid_exists(self.pid) else UNKNOWN
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"worker {self.pid}", timeout or 0.0)
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        return code


class Templates:
    """The tree, which grows as workers are asked for.

    Args:
        variables: of the workers' environment, where it differs from ours.
        note: told once of each library whose workers can't be forked, and why.
    """

    def __init__(self, variables: Mapping[str, str], note: Callable[[str], None]) -> None:
        self._variables = variables
        self._note = note
        self._grown: dict[tuple[str, ...], Template] = {}
        self._unsafe: dict[tuple[str, ...], str | None] = {}

    def start(self, library: str = "", building: str = "") -> WorkerProcess:
        """A worker that has imported what it will need.

        Args:
            library: whose cases it will run; "" for none in particular.
            building: "package.module:function" that builds them; "" if that is not known yet.

        Raises:
            WorkerDied: it can't be started.
        """
        place = _place(library, building)
        template = self._safe(place)
        if template is not None:
            try:
                return WorkerProcess(template.fork)
            except TemplateGone as gone:
                self._note(f"{gone}; they are started afresh")
                self._unsafe[place] = str(gone)
        return WorkerProcess(lambda log: spawn(log, variables=self._variables))

    def grow(self, needed: Iterable[tuple[str, str]]) -> None:
        """Make the templates beforehand that these will need, as `start` has them."""
        for library, building in needed:
            self._safe(_place(library, building))

    def _safe(self, place: tuple[str, ...]) -> Template | None:
        """The template at a place; None where its forks are no fresh processes."""
        if place not in self._unsafe:
            who = place[-1] if place else "workers"
            try:
                reason = self._grow(place).ask({"do": "safe"})["unsafe"]
            except (TemplateGone, KeyError) as error:
                reason = f"it can't be forked ({error})"
            if reason is not None:
                self._note(f"{who}: every process is started afresh, since {reason}")
            self._unsafe[place] = reason
        return self._grown[place] if self._unsafe[place] is None else None

    def _grow(self, place: tuple[str, ...]) -> Template:
        """The template at a place; where an import fails, the one before: the worker tells."""
        if place in self._grown:
            return self._grown[place]
        if not place:
            self._grown[place] = Template.start(self._variables)
            return self._grown[place]
        before = self._grow(place[:-1])
        what = {"do": "import", "module": place[0]}
        if len(place) > 1:
            what = {"do": "load", "library": place[1]}
        template = before.branch()
        if template.ask(what)["ok"]:
            self._grown[place] = template
        else:
            template.close()
            self._grown[place] = before
        return self._grown[place]

    def close(self) -> None:
        """End all of them."""
        for template in dict.fromkeys(self._grown.values()):
            template.close()
        self._grown.clear()


def _place(library: str, building: str) -> tuple[str, ...]:
    """Where in the tree a library's template is; that of no library has only torch."""
    module = building.partition(":")[0]
    return (module, library) if module and library else (module,) if module else ()
