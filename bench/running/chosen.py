"""What a run will be: the device, the suite and its comparisons. Imports no torch."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.cases import Comparison
from bench.choosing import dealing, selection
from bench.choosing.suites import Suite
from bench.errors import BenchError, UsageError
from bench.kinds import registry
from bench.kinds.group import Group
from bench.kinds.request import Request
from bench.running.berths import checked
from bench.running.devices import VISIBLE, choose_device
from bench.running.memory import KEEP
from bench.running.pool import WorkerPool
from bench.running.process import START_TIMEOUT, WorkerDied
from bench.running.progress import Progress


@dataclass(frozen=True)
class Chosen:
    """What a run will be.

    Attributes:
        environment: what a worker tells of the machine, as fields of the record.
        accelerator: facts about the device.
        device: torch's name of it.
        suite: what was asked for.
        comparisons: of the suite.
    """

    environment: dict[str, Any]
    accelerator: dict[str, Any]
    device: str
    suite: Suite
    comparisons: list[Comparison]


def choose(
    request: Request, pool: WorkerPool, shown: Progress, device: str | None = None
) -> Chosen:
    """Choose the device, the suite and its comparisons.

    Args:
        request: what was asked.
        pool: where workers come from, of which one tells what there is.
        shown: told what is left out.
        device: torch's name of it, where it is chosen already.

    Raises:
        BenchError: something in what was asked must be mended first.
    """
    facts = _facts(pool)
    device = device or choose_device(
        request.device, facts["devices"], facts["environment"]["torch"]
    )
    suite = selection.choose_suite(request, device)
    suite = replace(suite, groups=_told(suite.groups, request, pool))
    comparisons = selection.comparisons(request, suite, device, shown.note)
    if request.shard is not None:
        comparisons = dealing.dealt(comparisons, request.shard)
    asked = {"do": "accelerator", "device": device}
    accelerator = checked(pool.get().ask(asked, timeout=START_TIMEOUT))["accelerator"]
    environment = dict(facts["environment"])
    environment["variables"] = _set_by_hand(environment["variables"])
    return Chosen(environment, accelerator, device, suite, comparisons)


def _told(groups: Sequence[Group], request: Request, pool: WorkerPool) -> tuple[Group, ...]:
    """The groups with what only a worker can tell of them.

    Raises:
        UsageError: what it tells can't be measured.
    """

    def ask(asked: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = pool.get().ask(asked, timeout=START_TIMEOUT)
        except WorkerDied:
            answer = {"ok": True}  # so will its case, and the record says how
        pool.replace()  # it has run a user's code
        if not answer["ok"]:
            raise UsageError(answer["reason"])
        return answer

    every = (registry.of(group).told(group, request, ask) for group in groups)
    return tuple(dict.fromkeys(itertools.chain.from_iterable(every)))


def _set_by_hand(variables: dict[str, str]) -> dict[str, str]:
    """Those of a worker's that it has from us, less those that tell it what to do with memory, and
    which GPU is its: `Environment.memory` and the record's slot have that."""
    told = {VISIBLE, *(name for words in KEEP.values() for name in words)}
    return {
        name: value
        for name, value in variables.items()
        if name not in told or os.environ.get(name) == value
    }


def _facts(pool: WorkerPool) -> dict[str, Any]:
    try:
        return checked(pool.get().facts)
    except WorkerDied as died:
        raise BenchError(f"no worker can be started: {died}") from died
