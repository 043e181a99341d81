"""Open the slots of a run: who is where, on which GPU and which cores. Imports no torch."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from bench import program, telling
from bench.errors import BenchError, EnvironmentMismatch, UsageError
from bench.kinds.request import Request
from bench.records.memory import MemoryPolicy
from bench.records.slot import Slot
from bench.running.engines.base import Engine, Place
from bench.running.far import Far
from bench.running.pool import WorkerPool
from bench.running.process import WorkerDied
from bench.running.starting import Starter
from semibackward_bench.grammar import counted

ALL = "all"
"""What --devices takes for every GPU that is there."""
VISIBLE = "CUDAVISIBLE_DEVICES"
TRIES = 3
"""To start the first worker of a place, where one is lost."""
_AT_ONCE = 16
"""Places that are opened at a time."""


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
        scouts = self._each(places, self._scout)
        wanted = [
            (place, scout, self._devices(scout))
            for place, scout in zip(places, scouts, strict=True)
        ]
        self.all = [
            berth
            for place, scout, devices in wanted
            for berth in self._divided(place, scout, devices)
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

    def _each(self, given: Sequence[Any], work: Callable[[Any], Berth]) -> list[Berth]:
        if len(given) == 1:
            return [work(given[0])]
        with ThreadPoolExecutor(min(_AT_ONCE, len(given))) as at_once:
            return list(at_once.map(work, given))

    def _scout(self, place: Place) -> Berth:
        """A place's first worker, which tells what is there."""
        starter = place.open()
        self._stack.callback(starter.close)
        pool = self.pool(starter, self._policy)
        for number in range(TRIES):
            try:
                facts = checked(pool.get().facts)
                break
            except WorkerDied as died:
                if not died.lost or number == TRIES - 1:
                    where = f" at {telling.line(place.name)}" if place.name else ""
                    raise BenchError(f"no worker can be started{where}: {died}") from died
        return Berth(place.name, starter, pool, facts, "", Slot(str(facts["host"])))

    def _devices(self, scout: Berth) -> list[str]:
        """What a place measures on, by torch's names there; each a slot."""
        asked, slots = self._request.devices, self._request.slots
        there, torch = scout.facts["devices"], scout.facts["environment"]["torch"]
        if asked is None:
            device = choose_device(self._request.device, there, torch)
            if slots is None or not self._engine.divides:
                return [device]
            if not device.startswith("cuda"):
                return [device] * slots
            asked = (ALL,)
        if self._request.device != "auto":
            raise UsageError("--device names one and --devices several: leave one of them out")
        gpus = [name for name in there if name.startswith("cuda")]
        if ALL in asked:
            if not gpus:
                raise UsageError(
                    f"--devices {ALL} is every GPU, and torch {torch['version']} sees none"
                    f"{_at(scout)}; for several slots on a CPU there is --slots"
                )
            found = gpus
        else:
            found = [choose_device(name, there, torch) for name in asked]
        twice = sorted({name for name in found if found.count(name) > 1})
        if twice:
            raise UsageError(
                f"--devices names {twice[0]} twice: two slots on one device would measure each"
                " other"
            )
        if slots is not None:
            if slots > len(found):
                raise UsageError(
                    f"--slots {slots}: there {'are' if len(found) != 1 else 'is'}"
                    f" {counted(len(found), 'GPU')}{_at(scout)}, and each slot gets one of its own"
                )
            found = found[:slots]
        return found

    def _divided(self, place: Place, scout: Berth, devices: Sequence[str]) -> list[Berth]:
        """The slots of a place: the scout, and a further line for each further one."""
        found = []
        for number, device in enumerate(devices):
            berth = scout
            if number:
                starter = place.open()
                self._stack.callback(starter.close)
                pool = self.pool(starter, self._policy)
                berth = replace(scout, starter=starter, pool=pool)
            berth.device = device
            berth.told = _slot(berth.facts, device, number)
            berth.name = " ".join(filter(None, (place.name, _label(device, number, len(devices)))))
            found.append(berth)
        return found

    def _share_out(self) -> None:
        """Each slot sees its own GPU alone, and gets its share of its machine's cores."""
        groups: dict[tuple[str, str], list[Berth]] = {}
        for berth in self.all:
            groups.setdefault((berth.told.host, str(berth.facts["cores"])), []).append(berth)
        for alike in groups.values():
            for berth, held in zip(alike, split(alike[0].facts["cores"], len(alike)), strict=True):
                berth.held = held if len(alike) > 1 else []
        for number, berth in enumerate(self.all):
            variables: dict[str, str] = {}
            if berth.device.startswith("cuda") and len(berth.facts["gpus"]) > 1:
                variables[VISIBLE] = _visible(berth.facts, berth.device)
                berth.device = "cuda:0"
            if berth.device == "cpu" and berth.told.gpu is None:
                same = [b for b in self.all[:number] if b.told.host == berth.told.host]
                berth.told = replace(berth.told, index=len(same))
            if variables or berth.held:
                berth.pool.replace()
                berth.starter.restrict(variables, berth.held)
                berth.pool.use(berth.starter.on_cpu(self._policy))

    def _moved(self, berth: Berth, facts: Mapping[str, Any]) -> None:
        """A slot that was lost is open again, perhaps elsewhere."""
        now = _slot(facts, berth.device, berth.told.index)
        if (now.host, now.gpu) != (berth.told.host, berth.told.gpu):
            berth.told = now


def choose_device(asked: str, devices: Sequence[str], torch: Mapping[str, str | None]) -> str:
    """The device to run on: the best there is for "auto", else the one that was named.

    Raises:
        UsageError: it is not there.
    """
    if asked == "auto":
        return devices[0]
    wanted = "cuda:0" if asked == "cuda" else asked
    if wanted in devices:
        return wanted
    kind = wanted.partition(":")[0]
    if kind not in ("cpu", "cuda", "mps"):
        raise UsageError(f"unknown device {asked!r}; give auto, cpu, cuda, cuda:N or mps")
    raise UsageError(
        f"--device {asked}: torch {torch['version']} sees only {', '.join(devices)} here;"
        f" use one of those, or see `{program.command('doctor')}`"
    )


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


def split(cores: Sequence[Sequence[int]], slots: int) -> list[list[int]]:
    """The cores of a machine, shared out among its slots; no physical core is torn apart.

    Args:
        cores: numbers, by physical core.
        slots: how many.

    Raises:
        UsageError: there are too few.
    """
    if len(cores) < slots:
        flat = [[number] for core in cores for number in core]
        if len(flat) < slots:
            raise UsageError(
                f"{counted(slots, 'slot')} on a machine of {counted(len(flat), 'core')}: each needs"
                " one of its own; ask for fewer by --slots or --devices"
            )
        cores = flat
    share, more = divmod(len(cores), slots)
    found, begin = [], 0
    for number in range(slots):
        end = begin + share + (number < more)
        found.append([one for core in cores[begin:end] for one in core])
        begin = end
    least = min(map(len, found))
    return [mine[:least] for mine in found]


def agree(
    berths: Sequence[Berth], told: Callable[[Berth], Mapping[str, Any]], *, may_differ: bool
) -> None:
    """Look whether all slots are alike, so that one file may hold what they measure.

    Args:
        berths: the slots.
        told: what is compared, by name.
        may_differ: whether they need not be.

    Raises:
        EnvironmentMismatch: two are not.
    """
    if may_differ or len(berths) < 2:
        return
    first = told(berths[0])
    for berth in berths[1:]:
        for name, value in told(berth).items():
            if value != first[name]:
                raise EnvironmentMismatch(
                    f"{telling.line(berth.name)} is unlike {telling.line(berths[0].name)}:"
                    f" {name} {telling.line(str(value))}, not {telling.line(str(first[name]))};"
                    " measure them in runs of their own, or let it pass with"
                    " --allow-other-versions, which records it"
                )


def _label(device: str, number: int, of: int) -> str:
    """What a slot is called among those of its place."""
    if device.startswith("cuda"):
        return device
    return f"slot {number + 1}" if of > 1 else ""


def _slot(facts: Mapping[str, Any], device: str, number: int) -> Slot:
    gpus = {gpu["device"]: gpu["uuid"] for gpu in facts["gpus"]}
    index = int(device.partition(":")[2] or 0) if device.startswith("cuda") else number
    return Slot(str(facts["host"]), index, gpus.get(device))


def _visible(facts: Mapping[str, Any], device: str) -> str:
    """What CUDAVISIBLE_DEVICES must be for a worker to see one GPU alone."""
    uuid = {gpu["device"]: gpu["uuid"] for gpu in facts["gpus"]}[device]
    if uuid is not None:
        return str(uuid)
    index = int(device.partition(":")[2])
    seen = facts["environment"]["variables"].get(VISIBLE, "")
    listed = [name.strip() for name in seen.split(",") if name.strip()]
    return listed[index] if index < len(listed) else str(index)


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


def _at(berth: Berth) -> str:
    return f" at {telling.line(berth.name)}" if berth.name else " here"
