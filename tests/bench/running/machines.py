"""Machines made up for the purpose, and an engine that brings scripted workers to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.records.memory import MemoryPolicy, MemoryUse
from bench.running.engines.base import Place
from bench.running.observer import Observer, Observing
from bench.running.pool import Start, Worker
from bench.running.process import WorkerDied
from bench.running.starting import Needed
from tests.workers import ScriptedWorker

TORCH: dict[str, str | None] = {"version": "2.13.0", "cuda": "13.0", "cudnn": None}


@dataclass
class Machine:
    """What a worker sees of it.

    Attributes:
        host: its name.
        gpus: UUIDs; None where torch tells none.
        cores: numbers, by physical core.
        variables: of the user's environment.
        gpu: the name of each of its GPUs; the last one's is all further ones'.
        told: further facts of the environment.
        dead: whether no worker can be started there.
        workers_left: how many can be, until it is dead; None if no end is near.
    """

    host: str = "node1"
    gpus: Sequence[str | None] = ()
    cores: Sequence[Sequence[int]] = ((0, 4), (1, 5), (2, 6), (3, 7))
    variables: Mapping[str, str] = field(default_factory=dict)
    gpu: Sequence[str] = ("H200",)
    told: Mapping[str, Any] = field(default_factory=dict)
    dead: bool = False
    workers_left: int | None = None

    def facts(self, variables: Mapping[str, str], held: Sequence[int]) -> dict[str, Any]:
        """What a worker there tells that has these variables, on these cores."""
        seen = {**self.variables, **variables}
        numbered = list(enumerate(self.gpus))
        if "CUDA_VISIBLE_DEVICES" in variables:  # the user's own has cut what is there already
            wanted = variables["CUDA_VISIBLE_DEVICES"].split(",")
            theirs = self.variables.get("CUDA_VISIBLE_DEVICES", "").split(",")
            names = [{uuid, theirs[n] if any(theirs) else str(n)} for n, uuid in numbered]
            numbered = [n for n, name in zip(numbered, names, strict=True) if name & {*wanted}]
        gpus = [
            {"device": f"cuda:{index}", "uuid": uuid, "name": self.gpu[min(n, len(self.gpu) - 1)]}
            for index, (n, uuid) in enumerate(numbered)
        ]
        cores = [[c for c in core if not held or c in held] for core in self.cores]
        cores = [core for core in cores if core]
        environment = {
            "python": "3.11.7",
            "platform": "Linux x86_64",
            "cores": sum(map(len, cores)),
            "torch": TORCH,
            "processor": "a processor",
            "threads": sum(map(len, cores)),
            "math": {},
            "libraries": {},
            "variables": seen,
        }
        return {
            "ok": True,
            "host": self.host,
            "gpus": gpus,
            "cores": cores,
            "devices": [*(str(gpu["device"]) for gpu in gpus), "cpu"],
            "environment": {**environment, **self.told},
        }


class Told(ScriptedWorker):
    """Also answers what is asked before anything is measured."""

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        if request["do"] == "accelerator":
            gpus = {gpu["device"]: {"name": gpu["name"]} for gpu in self.facts["gpus"]}
            return {"ok": True, "accelerator": gpus.get(request["device"], {})}
        if request["do"] == "gpus":
            return {"ok": True, "gpus": self.facts["gpus"]}
        if request["do"] == "origins":
            return {"ok": True, "origins": {}}
        return super().ask(request, timeout)


class Scripted:
    """Starts scripted workers on a made-up machine, see `bench.running.starting.Starter`."""

    forks = False

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.restricted: tuple[dict[str, str], list[int]] | None = None
        self.workers: list[ScriptedWorker] = []
        self.closed = False

    def memory(self, policy: MemoryPolicy) -> MemoryUse:
        return MemoryUse(policy, "glibc 2.36", None, kept=True)

    def on_cpu(self, policy: MemoryPolicy) -> Start:
        return self.start

    def elsewhere(self) -> Start:
        return self.start

    def start(self, library: str = "", building: str = "") -> Worker:
        if self.machine.workers_left is not None:
            self.machine.workers_left -= 1
            self.machine.dead = self.machine.workers_left < 0
        if self.machine.dead:
            raise WorkerDied("the worker process ended with exit code 1; its last words: no torch")
        worker = Told()
        worker.facts = self.machine.facts(*(self.restricted or ({}, [])))
        self.workers.append(worker)
        return worker

    def prepare(self, policies: Sequence[MemoryPolicy], needed: Needed) -> None:
        """Nothing is imported."""

    def restrict(self, variables: Mapping[str, str], held: Sequence[int]) -> None:
        self.restricted = (dict(variables), list(held))

    def observed(self, worker: Worker) -> Observing:
        return Observer(())

    def close(self) -> None:
        self.closed = True


class Machines:
    """An engine with a place on each machine."""

    name = "command"

    def __init__(self, machines: Mapping[str, Machine], *, divides: bool = True) -> None:
        self.divides = divides
        self.machines = machines
        self.opened: list[Scripted] = []

    def places(self) -> Sequence[Place]:
        return [
            Place(name, lambda machine=machine: self._open(machine))  # type: ignore[misc]
            for name, machine in self.machines.items()
        ]

    def close(self) -> None:
        """Nothing is held."""

    def _open(self, machine: Machine) -> Scripted:
        self.opened.append(Scripted(machine))
        return self.opened[-1]
