"""Workers that a keeper starts elsewhere, as `bench.running.starting` starts them here.

A line leads to the keeper (`bench.running.keeping`); what carries it is the engine's. A line that
breaks is opened again by the next worker that is asked for, wherever it leads then. Imports no
torch.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bench import telling
from bench.errors import BenchError, EnvironmentMismatch, UsageError
from bench.records import provenance
from bench.records.memory import MemoryPolicy, MemoryUse
from bench.running import keeping, versions
from bench.running.far_observer import FarObserver
from bench.running.observer import Observing
from bench.running.pool import Start, Worker
from bench.running.process import START_TIMEOUT, WorkerDied, WorkerTimeout
from bench.running.starting import Needed

GRACE = 30.0
"""Seconds that an answer may take to come home, beyond what the worker may take."""


class LineLost(Exception):
    """It leads to nobody any more; the message says how it ended."""


class Line(Protocol):
    """Leads to a keeper."""

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Its answer.

        Args:
            request: see `bench.running.keeping`.
            timeout: seconds to wait.

        Raises:
            LineLost: there is none.
        """

    def close(self) -> None:
        """End the keeper, and with it its workers."""


@dataclass(frozen=True)
class Agreed:
    """What has to be the same at both ends.

    Attributes:
        files: digest of each file of the user's that is measured, by its name.
        brought: where the engine has brought each of these, by its name, in the keeper's folder.
        folder: that relative names start from.
        other_versions: whether versions may differ.
        fork: whether to fork workers on a CPU, where that can be done.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    brought: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    other_versions: bool = False
    fork: bool = True


class Far:
    """Starts workers at the end of a line.

    Args:
        name: of the place, for users.
        open_line: opens one.
        agreed: what has to be the same there.
        note: told what the user should know.

    Attributes:
        differs: versions there that are not ours, by name.

    Raises:
        BenchError: nobody answers there, or what has to be the same is not.
    """

    def __init__(
        self,
        name: str,
        open_line: Callable[[], Line],
        agreed: Agreed,
        note: Callable[[str], None],
    ) -> None:
        self.name = name
        self.differs: dict[str, str] = {}
        self.moved: Callable[[Worker], object] = lambda worker: None
        self._open_line = open_line
        self._agreed = agreed
        self._note = note
        self._told: set[str] = set()
        self._restricted: tuple[Mapping[str, str], Sequence[int]] = ({}, ())
        self._forks = False
        self._line: Line | None = None
        self._asking = False
        try:
            self._reach()
        except LineLost as lost:
            raise UsageError(
                f"{telling.line(name)}: no worker can be brought there: {lost}"
            ) from lost

    @property
    def forks(self) -> bool:
        """Whether workers are forked there."""
        return self._forks

    def memory(self, policy: MemoryPolicy) -> MemoryUse:
        """What workers do there with memory if that is asked of them."""
        return MemoryUse(**self._ask({"do": "memory", "policy": policy}, START_TIMEOUT)["use"])

    def on_cpu(self, policy: MemoryPolicy) -> Start:
        """Starts workers that run on the CPU there."""
        return functools.partial(self._start, policy)

    def elsewhere(self) -> Start:
        """Starts workers that run on an accelerator there."""
        return functools.partial(self._start, None)

    def prepare(self, policies: Sequence[MemoryPolicy], needed: Needed) -> None:
        """Import beforehand what workers will need there."""
        wanted = list(dict.fromkeys(needed))
        asked = {"do": "prepare", "policies": list(policies), "needed": wanted}
        self._ask(asked, START_TIMEOUT * max(1, len(wanted)))

    def restrict(self, variables: Mapping[str, str], held: Sequence[int]) -> None:
        """Start all further workers there with these variables, on these cores."""
        self._restricted = (dict(variables), list(held))
        self._ask({"do": "restrict", "variables": dict(variables), "held": list(held)}, GRACE)

    def observed(self, worker: Worker) -> Observing:
        """What sees the processor there, from now on."""
        assert isinstance(worker, FarWorker)
        return FarObserver(worker.keeper)

    def close(self) -> None:
        """End the keeper and its workers."""
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def ask(self, line: Line, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Ask the keeper that a worker is of.

        Args:
            line: to it.
            request: see `bench.running.keeping`.
            timeout: seconds to wait.

        Raises:
            WorkerDied: it, or the line, is gone.
        """
        if line is not self._line:
            raise WorkerDied(f"{self.name}: the line to it was lost", lost=True)
        return self._ask(request, timeout)

    def end(self, line: Line, number: int) -> None:
        """End a worker; where somebody waits for what it is asked, with the keeper."""
        if line is not self._line:
            return  # it went with its line
        if self._asking:
            self.close()
            return
        with contextlib.suppress(WorkerDied):
            self._ask({"do": "end", "worker": number}, GRACE)

    def _start(self, policy: MemoryPolicy | None, library: str, building: str) -> Worker:
        try:
            again = self._reach()
        except LineLost as lost:
            raise WorkerDied(f"{self.name}: {lost}", lost=True) from None
        except BenchError as other:  # it leads elsewhere now, where something is not as here
            raise WorkerDied(str(other), lost=True) from None
        asked = {"do": "start", "policy": policy, "library": library, "building": building}
        answer = self._ask(asked, START_TIMEOUT + GRACE)
        line = self._line
        if line is None:
            raise WorkerDied(f"{self.name}: the line to it is closed", lost=True)
        worker = FarWorker(self, line, answer["worker"], answer["facts"])
        if again:
            self.moved(worker)
        return worker

    def _reach(self) -> bool:
        """See to it that there is a line; whether it was opened just now.

        Raises:
            LineLost: there can't be one.
            BenchError: what has to be the same there is not.
        """
        if self._line is not None:
            return False
        line = self._line = self._open_line()
        try:
            found = _done(line, {"do": "greet", "fork": self._agreed.fork}, START_TIMEOUT)
            self._compare(found)
            self._forks = bool(found["forks"])
            if self._agreed.brought:
                _done(line, {"do": "take", "files": dict(self._agreed.brought)}, GRACE)
            elif self._agreed.folder:
                _done(line, {"do": "enter", "folder": self._agreed.folder}, GRACE)
            self._look_for_files(line)
            variables, held = self._restricted
            there = set(found["cores"])
            if variables or held:
                held = [core for core in held if core in there]
                asked = {"do": "restrict", "variables": dict(variables), "held": held}
                _done(line, asked, GRACE)
        except BaseException:
            self.close()
            raise
        return True

    def _compare(self, found: Mapping[str, Any]) -> None:
        if found.get("keeper") != keeping.VERSION:
            raise LineLost(f"what answers there is not this program ({telling.line(str(found))})")
        differs = versions.differences(found["versions"], versions.installed())
        if found["code"] != provenance.code():
            differs["semibackward-bench"] = "other code than here"
        if differs and not self._agreed.other_versions:
            told = "; ".join(f"{name}: {how}" for name, how in sorted(differs.items()))
            raise EnvironmentMismatch(
                f"{telling.line(self.name)} has other versions than this side ({told}); install the"
                " same there, or let them pass with --allow-other-versions, which records them"
            )
        self.differs = differs

    def _look_for_files(self, line: Line) -> None:
        if not self._agreed.files:
            return
        asked = {"do": "files", "digests": dict(self._agreed.files)}
        found = _done(line, asked, START_TIMEOUT)
        told = [f"{name} is not there" for name in found["missing"]]
        told += [f"{name} is another file there" for name in found["other"]]
        if told:
            raise UsageError(
                f"{telling.line(self.name)}: {telling.line('; '.join(told))}; put the same files"
                f" there, under the same names, or run in a folder that both sides share"
            )

    def _ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        line = self._line
        if line is None:
            raise WorkerDied(f"{self.name}: the line to it is closed", lost=True)
        self._asking = True
        try:
            answer = line.ask(request, timeout)
        except LineLost as lost:
            if self._line is line:
                self.close()
            raise WorkerDied(f"{self.name}: {lost}", lost=True) from None
        finally:
            self._asking = False
        for text in answer.get("notes", ()):
            if text not in self._told:
                self._told.add(text)
                self._note(text)
        if answer["ok"]:
            return answer
        if answer.get("timeout"):
            raise WorkerTimeout(str(answer["died"]))
        raise WorkerDied(
            str(answer.get("died") or answer.get("fault")), lost=bool(answer.get("lost"))
        )


def _done(line: Line, request: dict[str, Any], timeout: float) -> dict[str, Any]:
    """What a keeper answers that has only just been reached.

    Raises:
        LineLost: it can't do that.
    """
    answer = line.ask(request, timeout)
    if not answer["ok"]:
        raise LineLost(telling.line(str(answer.get("fault") or answer)))
    return answer


class FarWorker:
    """A worker there.

    Args:
        far: the place.
        line: to the keeper that has it.
        number: the keeper's of it.
        facts: what it told of itself.
    """

    def __init__(self, far: Far, line: Line, number: int, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.pids: tuple[int, ...] = ()  # none of this machine
        self._far = far
        self._line = line
        self._number = number

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Send it a request and wait for the answer.

        Raises:
            WorkerDied: it ended before it answered, or can't be reached.
            WorkerTimeout: it did not answer in time.
        """
        answer: dict[str, Any] = self.keeper(
            {"do": "ask", "request": request, "timeout": timeout}, timeout
        )["answer"]
        return answer

    def keeper(self, request: dict[str, Any], timeout: float = 0.0) -> dict[str, Any]:
        """Ask its keeper about it.

        Raises:
            WorkerDied: it ended, or can't be reached.
        """
        return self._far.ask(self._line, {**request, "worker": self._number}, timeout + GRACE)

    def close(self) -> None:
        """End it."""
        self._far.end(self._line, self._number)
