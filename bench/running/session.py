"""One run of the program, from the first look at what was asked to its last record."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

import bench
from adapters.origins import Origin
from bench import telling
from bench.cases import Comparison, Status
from bench.choosing import selection
from bench.choosing.engines import LOCAL
from bench.choosing.suites import Limits, Suite
from bench.errors import BenchError, UsageError
from bench.kinds import registry
from bench.kinds.record import OwnRecord
from bench.kinds.request import Request
from bench.records import provenance
from bench.records.journal import Journal
from bench.records.memory import MemoryPolicy, MemoryUse
from bench.records.slot import SlotFacts
from bench.records.types import ComparisonRecord, Environment
from bench.running import origins, progress
from bench.running.berths import Berth, Berths, agree, checked
from bench.running.chosen import Chosen, check_beside, choose
from bench.running.engines import registry as engines
from bench.running.engines.base import Engine
from bench.running.measuring import ask
from bench.running.memory import not_kept
from bench.running.observer import busy_seconds
from bench.running.pauses import Pauses
from bench.running.pool import WorkerPool
from bench.running.process import START_TIMEOUT, WorkerDied
from bench.running.progress import Progress
from bench.running.slots import Slot

RETRIES = 2
"""Unless told, where there are several slots, or one elsewhere: on one that is here, what is killed
was killed for a reason that lies here."""


@dataclass
class Session:
    """What is open while cases are measured, and what was chosen.

    Attributes:
        request: what was asked.
        slots: where they are measured; what only one worker can do, the first does.
        journal: the file of records.
        progress: who tells the user.
        suite: what was chosen, with what was given in its place.
        comparisons: of the suite.
        retries: how often a comparison is begun again whose worker was killed or lost.
        ended: how each ended, by the case's id and the variant; those of an earlier run too.
    """

    request: Request
    slots: Sequence[Slot]
    journal: Journal
    progress: Progress
    suite: Suite
    comparisons: list[Comparison]
    retries: int = 0
    ended: dict[tuple[str, str], Status] = field(default_factory=dict)

    @property
    def pool(self) -> WorkerPool:
        """Where the first slot's workers come from."""
        return self.slots[0].workers

    @property
    def pauses(self) -> Pauses | None:
        """Those that the first slot waits for."""
        return self.slots[0].pauses

    @property
    def limits(self) -> Limits:
        """How long and how exactly to measure."""
        return self.suite.limits

    @property
    def patience(self) -> float:
        """Wall seconds after which a request to a worker is given up."""
        return self.limits.patience

    @property
    def records(self) -> Path:
        """The file of records."""
        return self.journal.path

    def make_ready(self) -> None:
        """Let each kind make what its cases lack."""
        cases = list(dict.fromkeys(comparison.case for comparison in self.comparisons))
        for name in dict.fromkeys(case.kind for case in cases):
            registry.get(name).make_ready(self, [case for case in cases if case.kind == name])

    def note_ended(self, record: ComparisonRecord) -> None:
        """Note how a comparison ended."""
        self.ended[record.key] = record.status

    def ask(self, library: str, request: dict[str, Any]) -> dict[str, Any]:
        """Ask a library's worker.

        Raises:
            Ended: it died, took too long, or says why it can't.
        """
        return ask(self.pool, library, request, self.patience, self.patience)

    def fresh(self) -> None:
        """See to it that the next worker is a fresh process."""
        self.pool.replace()

    def write(self, record: OwnRecord) -> None:
        """Append a record to the file."""
        self.journal.append(record)

    def done(self, line: str) -> set[tuple[Any, ...]]:
        """The keys of those lines of an earlier run that ended ok."""
        return self.journal.own(line)


def checked_path(request: Request) -> Path:
    """Where the records go, once every name in what was asked is known to be right.

    Raises:
        UsageError: one is not.
    """
    selection.check_names(request)
    if request.resume and request.out is None:
        raise UsageError("--resume needs --out FILE.jsonl, the file to go on with")
    return request.out or new_path()


def new_path(mark: str = "") -> Path:
    """A file of records that nobody has yet."""
    return Path("runs", f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}{mark}.jsonl")


@contextlib.contextmanager
def opened(request: Request, words: list[str], path: Path) -> Iterator[Session]:
    """A session that is closed with the block; what was measured until then is on disk.

    Args:
        request: what was asked, its names checked.
        words: of the command, for the record.
        path: where the records go.

    Raises:
        BenchError: something in what was asked must be mended first.
    """
    with contextlib.ExitStack() as stack:
        try:
            session = _open(request, words, path, stack)
        except WorkerDied as died:
            raise BenchError(f"the run can't begin: {telling.line(str(died))}") from died
        yield session


def _open(request: Request, words: list[str], path: Path, stack: contextlib.ExitStack) -> Session:
    """See `opened`; what has to be closed is left to the stack.

    Raises:
        WorkerDied: one can't be started any more.
    """
    expected = origins.parse(request.expect_from)
    journal = stack.enter_context(Journal(path, resume=request.resume))
    shown = stack.enter_context(progress.shown())
    first: MemoryPolicy = "system" if request.memory == "system" else "keep"
    engine = engines.of(request, shown.note)
    stack.callback(engine.close)
    berths = Berths(request, engine, first, stack)
    leader = berths.all[0]
    chosen = choose(request, leader.pool, shown, leader.device)
    check_beside(chosen, crowded=any(berths.look(berth).others for berth in berths.all))
    agree(berths.all, may_differ=request.allow_other_versions)
    found = origins.look(
        lambda asked: checked(leader.pool.get().ask(asked, timeout=START_TIMEOUT)),
        request,
        chosen.comparisons,
        expected,
    )
    told = [_facts(berths, berth, chosen, engine) for berth in berths.all]
    slots = [_slot(berths, berth, chosen, first, shown, engine) for berth in berths.all]
    on_cpu = chosen.device == "cpu"
    forked = on_cpu and leader.starter.forks
    use = leader.starter.memory(_policy(chosen.suite)) if on_cpu else None
    if use is not None and use.policy == "keep" and not use.kept:
        shown.note(not_kept(use))
    if forked:
        shown.stage("importing torch and the libraries")
        _prepare(berths, slots, chosen)
    begin(
        request,
        words,
        journal,
        chosen,
        use,
        "forked" if forked else "afresh",
        found,
        told,
    )
    several = len(slots) > 1 or engine.name != LOCAL
    return Session(
        request,
        slots,
        journal,
        shown,
        chosen.suite,
        chosen.comparisons,
        retries=request.retries if request.retries is not None else RETRIES * several,
        ended=dict(journal.earlier.ended) if journal.earlier else {},
    )


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


def begin(
    request: Request,
    words: list[str],
    journal: Journal,
    chosen: Chosen,
    memory: MemoryUse | None,
    workers: Literal["forked", "afresh"],
    found: dict[str, Origin] | None = None,
    slots: Sequence[SlotFacts] = (),
) -> None:
    """Write down where the comparisons are run.

    Args:
        request: what was asked.
        words: of the command, for the record.
        journal: the file of records.
        chosen: what the run will be.
        memory: what workers do with it, on a CPU.
        workers: how they are started.
        found: where what is measured is imported from, if that is one place.
        slots: where it is measured.

    Raises:
        EnvironmentMismatch: the run that is resumed was made elsewhere.
    """
    journal.begin(
        Environment(
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            command=words,
            seed=request.seed,
            bench_version=bench.__version__,
            device=chosen.device,
            suite=chosen.suite.name,
            accelerator=chosen.accelerator,
            code=provenance.code(),
            files=provenance.files(request.own, provenance.named(request, chosen.comparisons)),
            origins=found or {},
            memory=memory,
            workers=workers,
            slots=list(slots),
            **chosen.environment,
        )
    )
