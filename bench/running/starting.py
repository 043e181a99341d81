"""How a slot's workers are started: forked from a template or afresh, keeping memory or not."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from adapters import layers
from bench.records.memory import MemoryPolicy, MemoryUse
from bench.running import memory, templates
from bench.running.observer import Observer, Observing
from bench.running.pool import Start, Worker
from bench.running.process import WorkerProcess, spawn
from bench.running.templates import Templates
from bench.worker.cores import CORES

Needed = Iterable[tuple[str, str]]
"""Libraries, and what builds their cases."""


class Starter(Protocol):
    """Starts workers in one place, here or far away."""

    @property
    def forks(self) -> bool:
        """Whether workers are forked, so that another one costs nothing."""

    def memory(self, policy: MemoryPolicy) -> MemoryUse:
        """What workers do with memory if that is asked of them."""

    def on_cpu(self, policy: MemoryPolicy) -> Start:
        """Starts workers that run on the CPU."""

    def elsewhere(self) -> Start:
        """Starts workers that run on an accelerator."""

    def prepare(self, policies: Sequence[MemoryPolicy], needed: Needed) -> None:
        """Import beforehand what workers will need."""

    def restrict(self, variables: Mapping[str, str], held: Sequence[int]) -> None:
        """Start all further workers with these variables, on these cores."""

    def observed(self, worker: Worker) -> Observing:
        """What sees the processor that a worker runs on, from now on."""

    def close(self) -> None:
        """End what the workers come from."""


class Starting:
    """Ways to start workers on this machine, each made when it is first asked for.

    Args:
        fork: whether to fork them, where that can be done.
        note: told once of each library whose workers can't be forked, and why.
    """

    def __init__(self, note: Callable[[str], None], *, fork: bool = True) -> None:
        self._tell = note
        self._told: set[str] = set()
        self._fork = fork and templates.possible()
        self._restricted: dict[str, str] = {}
        self._held: list[int] = []
        self._found: dict[MemoryPolicy, tuple[MemoryUse, dict[str, str]]] = {}
        self._templates: dict[MemoryPolicy, Templates] = {}

    @property
    def forks(self) -> bool:
        """Whether workers are forked, so that another one costs nothing."""
        return self._fork

    def memory(self, policy: MemoryPolicy) -> MemoryUse:
        """What workers do with memory if that is asked of them."""
        return self._memory(policy)[0]

    def on_cpu(self, policy: MemoryPolicy) -> Start:
        """Starts workers that run on the CPU."""
        variables = {**self._memory(policy)[1], **self._restricted}
        if not self._fork:
            return _layered(functools.partial(_afresh, variables), variables)
        if policy not in self._templates:
            self._templates[policy] = Templates(variables, self._note)
        return _layered(self._templates[policy].start, variables)

    def prepare(self, policies: Sequence[MemoryPolicy], needed: Needed) -> None:
        """Import beforehand, and for all ways of memory at once, what workers will need.

        Args:
            policies: ways of memory that will be asked for.
            needed: libraries, and what builds their cases.
        """
        if not self._fork:
            return
        for policy in policies:
            self.on_cpu(policy)
        wanted = [one for one in dict.fromkeys(needed) if layers.of(one[0]) is None]
        with ThreadPoolExecutor(len(policies)) as each:
            grown = [each.submit(self._templates[policy].grow, wanted) for policy in policies]
        for future in grown:
            future.result()

    def elsewhere(self) -> Start:
        """Starts workers that run on an accelerator: nobody has shown yet that those which are
        forked differ by as much as others do, and the allocator there is torch's own."""
        variables = dict(self._restricted)
        return _layered(functools.partial(_afresh, variables), variables)

    def restrict(self, variables: Mapping[str, str], held: Sequence[int]) -> None:
        """Start all further workers with these variables, on these cores; what was started before
        is ended by whoever has it.

        Args:
            variables: of their environment.
            held: numbers of cores; all that there are if none.
        """
        self.close()
        self._held = list(held)
        self._restricted = {**variables, **({CORES: ",".join(map(str, held))} if held else {})}

    def observed(self, worker: Worker) -> Observing:
        """What sees the processor that a worker runs on, from now on."""
        return Observer(worker.pids, self._held)

    def close(self) -> None:
        """End the templates."""
        for grown in self._templates.values():
            grown.close()
        self._templates.clear()

    def _note(self, text: str) -> None:
        """Once, though there may be a tree of templates for each way of memory."""
        if text not in self._told:
            self._told.add(text)
            self._tell(text)

    def _memory(self, policy: MemoryPolicy) -> tuple[MemoryUse, dict[str, str]]:
        if policy not in self._found:
            self._found[policy] = memory.use(policy)
        return self._found[policy]


def _layered(start: Start, variables: Mapping[str, str]) -> Start:
    """The same, but for libraries that have a layer: their workers have it before all else."""

    def started(library: str = "", building: str = "") -> Worker:
        layer = layers.of(library)
        if layer is None:
            return start(library, building)
        own = {**variables, layers.VARIABLE: str(layer.folder)}
        return WorkerProcess(lambda log: spawn(log, first=[layer.folder], variables=own))

    return started


def _afresh(variables: Mapping[str, str], library: str = "", building: str = "") -> Worker:
    return WorkerProcess(lambda log: spawn(log, variables=variables))
