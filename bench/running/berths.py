"""Open the slots of a run: who is where, on which GPU and which cores. Imports no torch."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bench import program, telling
from bench.errors import BenchError, EnvironmentMismatch, UsageError
from bench.kinds.request import Request
from bench.records.memory import MemoryPolicy
from bench.records.slot import Slot
from bench.running import devices
from bench.running.engines.base import Engine, Place
from bench.running.far import Far
from bench.running.pool import Worker, WorkerPool
from bench.running.process import START_TIMEOUT, WorkerDied
from bench.running.starting import Starter

TRIES = 3
"""To start the first worker of a place, where one is lost."""
_AT_ONCE = 16
"""Places that are opened at a time."""

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass
class Berth:
    """A slot that is open.

    Attributes:
        name: for users; "" where there is only one.
        starter: starts its workers.
        pool: where they come from.
        facts: what a worker there told.
        device: torch's name of what it measures on, in its workers.
        told: where that is.
        held: numbers of the cores that its workers are held to; empty where they are not.
    """

    name: str
    starter: Starter
    pool: WorkerPool
    facts: dict[str, Any]
    device: str
    told: Slot
    held: list[int] = field(default_factory=list)

    @property
    def differs(self) -> dict[str, str]:
        """Versions there that are not this side's."""
        return self.starter.differs if isinstance(self.starter, Far) else {}


class Berths:
    """The slots of a run, opened with it and closed with it.

    Args:
        request: what was asked.
        engine: brings workers to places.
        policy: what the first workers do with memory.
        stack: closes them in the end.

    Raises:
        BenchError: a place can't be used, or what was asked for is not there.
    """

    def __init__(
        self,
        request: Request,
        engine: Engine,
        policy: MemoryPolicy,
        stack: contextlib.ExitStack,
    ) -> None:
        self._request = request
        self._engine = engine
        self._policy: MemoryPolicy = policy
        self._stack = stack
        places = engine.places()
        scouts = _each(places, self._scout, engine.close)
        wanted = [
            (place, scout, self._wanted(scout)) for place, scout in zip(places, scouts, strict=True)
        ]
        self.all = [
            berth for place, scout, names in wanted for berth in self._divided(place, scout, names)
        ]
        _check_apart(self.all)
        if len(self.all) > 1:
            self._share_out()
        for berth in self.all:
            if isinstance(berth.starter, Far):
                berth.starter.moved = functools.partial(self._moved, berth)

    def look(self, berth: Berth) -> Slot:
        """Where a slot's workers are now, and how many others are on that machine."""
        others = sum(
            other is not berth and other.told.host == berth.told.host for other in self.all
        )
        return replace(berth.told, others=others)

    def pool(self, starter: Starter, policy: MemoryPolicy) -> WorkerPool:
        """Workers on a place's CPU; ended with the run."""
        made = WorkerPool(starter.on_cpu(policy), starter.observed)
        self._stack.callback(made.replace)
        return made

    def _scout(self, place: Place) -> Berth:
        """A place's first worker, which tells what is there."""
        starter = self._open(place)
        pool = self.pool(starter, self._policy)
        for number in range(TRIES):
            try:
                worker = pool.get()
                facts = {**checked(worker.facts), "gpus": self._gpus(worker)}
                break
            except WorkerDied as died:
                if not died.lost or number == TRIES - 1:
                    where = f" at {telling.line(place.name)}" if place.name else ""
                    raise BenchError(f"no worker can be started{where}: {died}") from died
        return Berth(place.name, starter, pool, facts, "", Slot(str(facts["host"])))

    def _wanted(self, scout: Berth) -> list[str]:
        """What a place measures on, by torch's names there; each a slot."""
        facts, where = scout.facts, f" at {telling.line(scout.name)}" if scout.name else " here"
        return devices.wanted(
            self._request,
            facts["devices"],
            facts["environment"]["torch"],
            where,
            divides=self._engine.divides,
        )

    def _divided(self, place: Place, scout: Berth, names: Sequence[str]) -> list[Berth]:
        """The slots of a place: the scout, and a further line for each further one."""
        found = []
        starters = _each([place] * (len(names) - 1), self._open, self._engine.close)
        for number, device in enumerate(names):
            berth = scout
            if number:
                starter = starters[number - 1]
                berth = replace(scout, starter=starter, pool=self.pool(starter, self._policy))
            berth.device = device
            berth.told = _slot(berth.facts, device, number)
            berth.name = " ".join(filter(None, (place.name, _label(device, number, len(names)))))
            found.append(berth)
        return found

    def _open(self, place: Place) -> Starter:
        starter = place.open()
        self._stack.callback(starter.close)
        return starter

    def _share_out(self) -> None:
        """Each slot sees its own GPU alone, and gets its share of its machine's cores."""
        groups: dict[tuple[str, str], list[Berth]] = {}
        for berth in self.all:
            groups.setdefault((berth.told.host, str(berth.facts["cores"])), []).append(berth)
        for alike in groups.values():
            for berth, held in zip(
                alike, devices.split(alike[0].facts["cores"], len(alike)), strict=True
            ):
                berth.held = held if len(alike) > 1 else []
        for number, berth in enumerate(self.all):
            variables: dict[str, str] = {}
            if berth.device.startswith("cuda") and len(berth.facts["gpus"]) > 1:
                variables[devices.VISIBLE] = devices.visible(berth.facts, berth.device)
                berth.device = "cuda:0"
            if berth.device == "cpu" and berth.told.gpu is None:
                same = [b for b in self.all[:number] if b.told.host == berth.told.host]
                berth.told = replace(berth.told, index=len(same))
            if variables or berth.held:
                berth.pool.replace()
                berth.starter.restrict(variables, berth.held)
                berth.pool.use(berth.starter.on_cpu(self._policy))
        # All are asked soon, one after another.
        _each(self.all, lambda berth: berth.pool.get(), self._engine.close)

    def _gpus(self, worker: Worker) -> list[dict[str, Any]]:
        """Those that a worker sees; not asked for where only a CPU is."""
        there = any(name.startswith("cuda") for name in worker.facts["devices"])
        if not there or self._request.device == "cpu":
            return []
        found: list[dict[str, Any]] = checked(worker.ask({"do": "gpus"}, START_TIMEOUT))["gpus"]
        return found

    def _moved(self, berth: Berth, worker: Worker) -> None:
        """A slot that was lost is open again, perhaps elsewhere."""
        facts = {**worker.facts, "gpus": self._gpus(worker)}
        now = _slot(facts, berth.device, berth.told.index)
        if (now.host, now.gpu) != (berth.told.host, berth.told.gpu):
            berth.told = now


def checked(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer of a worker's that all else depends on.

    Raises:
        BenchError: it can't work.
    """
    if not answer["ok"]:
        raise BenchError(
            f"the worker can't work: {answer['reason']}; `python -m pip install torch torchvision"
            f" timm scikit-learn pillow`, or set everything up with `{program.everything()}`"
        )
    return answer


def agree(berths: Sequence[Berth], *, may_differ: bool) -> None:
    """Look whether all slots are alike, so that one file may hold what they measure.

    Args:
        berths: the slots.
        may_differ: whether they need not be.

    Raises:
        EnvironmentMismatch: two are not.
    """
    if may_differ or len(berths) < 2:
        return
    first = _compared(berths[0])
    for berth in berths[1:]:
        for name, value in _compared(berth).items():
            if value != first[name]:
                raise EnvironmentMismatch(
                    f"{telling.line(berth.name)} is unlike {telling.line(berths[0].name)}:"
                    f" {name} {telling.line(str(value))}, not {telling.line(str(first[name]))};"
                    " measure them in runs of their own, or let it pass with"
                    " --allow-other-versions, which records it"
                )


def _compared(berth: Berth) -> dict[str, Any]:
    """What must be alike in all slots of a run."""
    environment = berth.pool.get().facts["environment"]
    names = ("python", "torch", "processor", "threads", "math", "libraries")
    gpus = {gpu["device"]: gpu["name"] for gpu in berth.facts["gpus"]}
    # A slot that sees its own GPU alone calls it cuda:0; the first look around saw them all.
    gpu = gpus.get(f"cuda:{berth.told.index}") if berth.device.startswith("cuda") else None
    return {**{name: environment[name] for name in names}, "GPU": gpu}


def _each(
    given: Sequence[Given], work: Callable[[Given], Made], give_up: Callable[[], object]
) -> list[Made]:
    """What is made of each, in their order; several at once.

    Args:
        given: each.
        work: makes something of it.
        give_up: called where one fails, or a key is hit, so that others are not waited for.
    """
    if len(given) < 2:
        return [work(one) for one in given]
    with ThreadPoolExecutor(min(_AT_ONCE, len(given))) as at_once:
        made = [at_once.submit(work, one) for one in given]
        try:
            for done in as_completed(made):
                done.result()
        except BaseException:
            at_once.shutdown(wait=False, cancel_futures=True)
            give_up()
            raise
    return [one.result() for one in made]


def _label(device: str, number: int, of: int) -> str:
    """What a slot is called among those of its place."""
    if device.startswith("cuda"):
        return device
    return f"slot {number + 1}" if of > 1 else ""


def _slot(facts: Mapping[str, Any], device: str, number: int) -> Slot:
    gpus = {gpu["device"]: gpu["uuid"] for gpu in facts["gpus"]}
    index = int(device.partition(":")[2] or 0) if device.startswith("cuda") else number
    return Slot(str(facts["host"]), index, gpus.get(device))


def _check_apart(berths: Sequence[Berth]) -> None:
    """Whether each slot has a GPU of its own.

    Raises:
        UsageError: two have one.
    """
    seen: dict[tuple[str, str], Berth] = {}
    for berth in berths:
        if berth.told.gpu is None:
            continue
        first = seen.setdefault((berth.told.host, berth.told.gpu), berth)
        if first is not berth:
            raise UsageError(
                f"{telling.line(first.name)} and {telling.line(berth.name)} lead to one GPU"
                f" ({berth.told.gpu} of {telling.line(berth.told.host)}): two slots on it would"
                " measure each other; leave one of them out"
            )
