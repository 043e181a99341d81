"""From what was asked to slots that are ready to measure. Imports no torch."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from adapters.origins import Origin
from bench.choosing.engines import LOCAL
from bench.choosing.suites import Suite
from bench.errors import UsageError
from bench.kinds.request import Request
from bench.records.memory import MemoryPolicy, MemoryUse
from bench.records.slot import SlotFacts
from bench.running import origins
from bench.running.berths import Berth, Berths, agree, checked
from bench.running.chosen import Chosen, choose
from bench.running.engines.base import Engine
from bench.running.memory import not_kept
from bench.running.observer import busy_seconds
from bench.running.pauses import Pauses
from bench.running.process import START_TIMEOUT
from bench.running.progress import Progress
from bench.running.slots import Slot


@dataclass(frozen=True)
class Ready:
    """Slots that are ready, and what they measure.

    Attributes:
        slots: where it is measured.
        told: what the file of records says of each.
        chosen: what the run will be.
        memory: what workers do with it, on a CPU.
        workers: how they are started.
        found: where what is measured is imported from.
    """

    slots: list[Slot]
    told: list[SlotFacts]
    chosen: Chosen
    memory: MemoryUse | None
    workers: Literal["forked", "afresh"]
    found: dict[str, Origin]


def slots(
    request: Request,
    engine: Engine,
    first: MemoryPolicy,
    stack: contextlib.ExitStack,
    shown: Progress,
    expected: Sequence[origins.Expected],
) -> Ready:
    """Open them, choose what is measured, and import it.

    Args:
        request: what was asked.
        engine: brings workers to places.
        first: what the workers that look around do with memory.
        stack: closes the slots in the end.
        shown: tells the user.
        expected: where libraries must be imported from.

    Raises:
        BenchError: something in what was asked must be mended first.
        WorkerDied: one was lost.
    """
    berths = Berths(request, engine, first, stack)
    leader = berths.all[0]
    chosen = choose(request, leader.pool, shown, leader.device)
    _check_beside(chosen, berths)
    agree(berths.all, may_differ=request.allow_other_versions)
    found = origins.look(
        lambda asked: checked(leader.pool.get().ask(asked, timeout=START_TIMEOUT)),
        request,
        chosen.comparisons,
        expected,
    )
    told = [_facts(berths, berth, chosen, engine) for berth in berths.all]
    made = [_slot(berths, berth, chosen, first, shown, engine) for berth in berths.all]
    on_cpu = chosen.device == "cpu"
    use = leader.starter.memory(_policy(chosen.suite)) if on_cpu else None
    if use is not None and use.policy == "keep" and not use.kept:
        shown.note(not_kept(use))
    if forked := on_cpu and leader.starter.forks:
        shown.stage("importing torch and the libraries")
        _prepare(berths, made, chosen)
        if len(made) > 1:
            shown.stage("")  # each slot tells what it does
    return Ready(made, told, chosen, use, "forked" if forked else "afresh", found)


def _policy(suite: Suite) -> MemoryPolicy:
    return "system" if suite.limits.memory == "system" else "keep"


def _slot(
    berths: Berths,
    berth: Berth,
    chosen: Chosen,
    first: MemoryPolicy,
    shown: Progress,
    engine: Engine,
) -> Slot:
    """What measures in a place, from what has looked around there.

    Args:
        berths: all of them.
        berth: the place.
        chosen: what the run will be.
        first: what that which looked around did with memory.
        shown: tells the user.
        engine: brings workers there.
    """
    starter, beside, pauses = berth.starter, None, None
    if chosen.device == "cpu":
        limits, policy = chosen.suite.limits, _policy(chosen.suite)
        if engine.name == LOCAL:
            pauses = Pauses(
                limits.max_seconds * len(chosen.comparisons) / len(berths.all),
                chosen.environment["threads"],
                cores=len(berth.held) or None,
                busy=functools.partial(busy_seconds, berth.held),
            )
        if starter.forks or policy != first:
            berth.pool.use(starter.on_cpu(policy))  # the first has imported no library
        if limits.memory == "both" and starter.memory(policy).kept:
            beside = berths.pool(starter, "system")
    else:
        berth.pool.use(starter.elsewhere())
    name = berth.name if len(berths.all) > 1 or engine.name != LOCAL else ""
    return Slot(
        berth.pool,
        beside=beside,
        pauses=pauses,
        progress=shown.of(name) if len(berths.all) > 1 else None,
        look=functools.partial(berths.look, berth),
        name=name,
    )


def _facts(berths: Berths, berth: Berth, chosen: Chosen, engine: Engine) -> SlotFacts:
    """What the file of records says of a slot."""
    accelerator = chosen.accelerator
    if len(berths.all) > 1:
        asked = {"do": "accelerator", "device": berth.device}
        accelerator = checked(berth.pool.get().ask(asked, START_TIMEOUT))["accelerator"]
    return SlotFacts(
        berths.look(berth),
        engine.name,
        berth.facts["environment"]["processor"],
        berth.held,
        accelerator,
        berth.differs,
    )


def _prepare(berths: Berths, slots: Sequence[Slot], chosen: Chosen) -> None:
    """Import everywhere, and at once, what workers will need."""
    needed = [(c.case.library, c.case.options.building) for c in chosen.comparisons]
    policy = _policy(chosen.suite)

    def prepare(pair: tuple[Berth, Slot]) -> None:
        berth, slot = pair
        policies: list[MemoryPolicy] = [policy] if slot.beside is None else [policy, "system"]
        berth.starter.prepare(policies, needed)

    with ThreadPoolExecutor(len(slots)) as at_once:
        list(at_once.map(prepare, zip(berths.all, slots, strict=True)))


def _check_beside(chosen: Chosen, berths: Berths) -> None:
    """Whether the suite may be measured by slots that share a machine.

    Raises:
        UsageError: it may not.
    """
    crowded = chosen.device == "cpu" and any(berths.look(berth).others for berth in berths.all)
    if crowded and chosen.suite.alone:
        raise UsageError(
            f"the suite {chosen.suite.name} has a CPU for itself, since its cases are short and a"
            " neighbour would show in them: leave out --slots, or name another suite"
        )
