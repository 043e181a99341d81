"""The far end of a slot: it starts workers on its machine, and hands on what they are asked.

It reads requests, one JSON object a line, and answers each with a line:

    {"do": "greet"}                                    this program's code, Python, versions, host
    {"do": "files", "digests": {"FILE": "…"}}          which are not there, or hold something else
    {"do": "enter", "folder": "…"}                     work there, if there is such a folder
    {"do": "take", "files": {"FILE": "PLACE"}}         FILE lies in PLACE here
    {"do": "restrict", "variables": {…}, "held": […]}  of all further workers, and their cores
    {"do": "memory", "policy": "keep"}                 what workers do with memory here
    {"do": "prepare", "policies": […], "needed": […]}  import beforehand what workers will need
    {"do": "start", "policy": "keep", …}               a worker: its number, facts and pids
    {"do": "ask", "worker": 1, "request": {…}, …}      hand a request to it
    {"do": "observe", "worker": 1}                     look at its processor from now on
    {"do": "look", "worker": 1}                        note the frequency
    {"do": "conditions", "worker": 1}                  what was seen
    {"do": "end", "worker": 1}                         end it

An answer is {"ok": true, …}, {"ok": false, "died": "…", "lost": …} where a worker ended, with
"timeout" where it was ended since it took too long, or {"ok": false, "fault": "…"}. Each has
"notes", what the user should know. When the requests end, everything here ends, also in the middle
of a run. Imports no torch.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.records import provenance
from bench.running.observer import Observing
from bench.running.process import WorkerDied, WorkerProcess, WorkerTimeout, forget_compiled
from bench.running.starting import Starting
from bench.running.versions import installed
from bench.worker.cores import may_use

VERSION = 1


class Keeper:
    """Keeps the workers of a slot on this machine.

    Args:
        here: the folder in which files lie that were brought along.
    """

    def __init__(self, here: Path | None = None) -> None:
        self._notes: list[str] = []
        self._fork = True
        self._starting = Starting(self._notes.append)
        self._workers: dict[int, WorkerProcess] = {}
        self._observers: dict[int, Observing] = {}
        self._number = 0
        self._here = here
        self._brought: dict[str, str] = {}

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what is asked; a failure becomes an answer too."""
        given = dict(request)
        try:
            found = {"ok": True, **getattr(self, f"do_{given.pop('do')}")(**given)}
        except WorkerTimeout as died:
            found = {"ok": False, "died": str(died), "lost": False, "timeout": True}
        except WorkerDied as died:
            found = {"ok": False, "died": str(died), "lost": died.lost}
        except (
            BenchError,
            OSError,
            RuntimeError,
            LookupError,
            AttributeError,
            ValueError,
            TypeError,
        ) as error:
            found = {"ok": False, "fault": f"{type(error).__name__}: {error}"}
        found["notes"] = list(self._notes)
        self._notes.clear()
        return found

    def close(self) -> None:
        """End everything."""
        for worker in self._workers.values():
            worker.close()
        self._workers.clear()
        self._starting.close()

    def do_greet(self, fork: bool = True) -> dict[str, Any]:
        if fork != self._fork:
            self._starting.close()
            self._starting, self._fork = Starting(self._notes.append, fork=fork), fork
        return {
            "keeper": VERSION,
            "code": provenance.code(),
            "versions": installed(),
            "forks": self._starting.forks,
            "cores": may_use(),
        }

    def do_files(self, digests: dict[str, str]) -> dict[str, Any]:
        missing, other = [], []
        for name, digest in digests.items():
            path = Path(self._brought.get(name, name))
            try:
                same = provenance.digest(path) == digest
            except OSError:
                missing.append(name)
            else:
                other += [] if same else [name]
        return {"missing": missing, "other": other}

    def do_enter(self, folder: str) -> dict[str, Any]:
        """Work where the other end does, where there is such a folder."""
        with contextlib.suppress(OSError):
            os.chdir(folder)
        return {}

    def do_take(self, files: dict[str, str]) -> dict[str, Any]:
        here = self._here or Path.cwd()
        self._brought = {name: str(here / place) for name, place in files.items()}
        return {}

    def do_restrict(self, variables: dict[str, str], held: list[int]) -> dict[str, Any]:
        self._starting.restrict(variables, held)
        return {}

    def do_memory(self, policy: Any) -> dict[str, Any]:
        return {"use": asdict(self._starting.memory(policy))}

    def do_prepare(self, policies: list[Any], needed: list[tuple[str, str]]) -> dict[str, Any]:
        self._starting.prepare(policies, [(library, building) for library, building in needed])
        return {}

    def do_start(self, policy: Any, library: str, building: str) -> dict[str, Any]:
        how = self._starting
        start = how.elsewhere() if policy is None else how.on_cpu(policy)
        worker = start(library, self._moved(building))
        assert isinstance(worker, WorkerProcess)
        self._number += 1
        self._workers[self._number] = worker
        return {"worker": self._number, "facts": worker.facts, "pids": worker.pids}

    def do_ask(self, worker: int, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        return {"answer": self._workers[worker].ask(self._moved(request), timeout)}

    def do_end(self, worker: int) -> dict[str, Any]:
        self._observers.pop(worker, None)
        if (ended := self._workers.pop(worker, None)) is not None:
            ended.close()
        return {}

    def do_observe(self, worker: int) -> dict[str, Any]:
        self._observers[worker] = self._starting.observed(self._workers[worker])
        return {}

    def do_look(self, worker: int) -> dict[str, Any]:
        self._observers[worker].look()
        return {}

    def do_conditions(self, worker: int) -> dict[str, Any]:
        return {"conditions": asdict(self._observers[worker].conditions())}

    def _moved(self, asked: Any) -> Any:
        """A request, with files that were brought along named by where they lie here."""
        if not self._brought:
            return asked
        if isinstance(asked, str):
            return self._renamed(asked)
        if isinstance(asked, list):
            return [self._moved(one) for one in asked]
        if isinstance(asked, dict):
            return {name: self._moved(one) for name, one in asked.items()}
        return asked

    def _renamed(self, text: str) -> str:
        """FILE, or FILE:NAME, as it is called here."""
        if text in self._brought:
            return self._brought[text]
        file, colon, name = text.rpartition(":")
        return f"{self._brought[file]}{colon}{name}" if file in self._brought else text


def main() -> None:
    """Serve requests over stdin and stdout until stdin closes."""
    keeper = Keeper()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # nobody else's words get between
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def over(*_: object) -> None:
        for worker in list(keeper._workers.values()):
            with contextlib.suppress(OSError):
                os.killpg(worker.pids[0], signal.SIGKILL)
        forget_compiled()
        os._exit(0)

    def read() -> None:
        try:
            for line in sys.stdin:
                requests.put(json.loads(line))
        finally:
            over()  # also where a request came in half

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, over)
    threading.Thread(target=read, daemon=True).start()
    while True:
        answers.write(json.dumps(keeper.answer(requests.get())) + "\n")
        answers.flush()
