"""One run of the program, from the first look at what was asked to its last record."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

import bench
from adapters.origins import Origin
from bench import program
from bench.cases import Comparison, Status
from bench.choosing import dealing, selection
from bench.choosing.suites import Limits, Suite
from bench.errors import BenchError, UsageError
from bench.kinds import registry, sharding
from bench.kinds.group import Group
from bench.kinds.record import OwnRecord
from bench.kinds.request import Request
from bench.records import provenance
from bench.records.journal import Journal
from bench.records.memory import MemoryPolicy, MemoryUse
from bench.records.types import ComparisonRecord, Environment
from bench.running import origins, progress
from bench.running.measuring import ask
from bench.running.memory import KEEP, not_kept
from bench.running.pauses import Pauses
from bench.running.pool import WorkerPool
from bench.running.process import START_TIMEOUT, WorkerDied
from bench.running.progress import Progress
from bench.running.starting import Starting


@dataclass
class Session:
    """What is open while cases are measured, and what was chosen.

    Attributes:
        request: what was asked.
        pool: where workers come from.
        journal: the file of records.
        progress: who tells the user.
        suite: what was chosen, with what was given in its place.
        comparisons: of the suite.
        beside: where workers come from that have memory as the system gives it, where both ways are
            asked for.
        pauses: of other programs, to wait for; None on an accelerator.
        ended: how each ended, by the case's id and the variant; those of an earlier run too.
    """

    request: Request
    pool: WorkerPool
    journal: Journal
    progress: Progress
    suite: Suite
    comparisons: list[Comparison]
    beside: WorkerPool | None = None
    pauses: Pauses | None = None
    ended: dict[tuple[str, str], Status] = field(default_factory=dict)

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

    def measured(self, found: Iterable[ComparisonRecord]) -> None:
        """Note how comparisons ended, and those that an earlier run measured."""
        earlier = self.journal.earlier.ended if self.journal.earlier else {}
        self.ended = {**earlier, **{record.key: record.status for record in found}}

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
    expected = origins.parse(request.expect_from)
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(Journal(path, resume=request.resume))
        shown = stack.enter_context(progress.shown())
        starting = Starting(shown.note, fork=request.workers != "afresh")
        stack.callback(starting.close)
        first: MemoryPolicy = "system" if request.memory == "system" else "keep"
        pool = WorkerPool(starting.on_cpu(first))
        stack.callback(pool.replace)
        chosen = choose(request, pool, shown)
        found = origins.look(
            lambda asked: _checked(pool.get().ask(asked, timeout=START_TIMEOUT)),
            request,
            chosen.comparisons,
            expected,
        )
        beside = pauses = None
        if chosen.device == "cpu":
            pauses = Pauses(
                chosen.suite.limits.max_seconds * len(chosen.comparisons),
                chosen.environment["threads"],
            )
            policy: MemoryPolicy = "system" if chosen.suite.limits.memory == "system" else "keep"
            use = starting.memory(policy)
            if starting.forks or policy != first:
                pool.use(starting.on_cpu(policy))  # the first has imported no library
            if chosen.suite.limits.memory == "both" and use.kept:
                beside = WorkerPool(starting.on_cpu("system"))
                stack.callback(beside.replace)
            if policy == "keep" and not use.kept:
                shown.note(not_kept(use))
        else:
            use = None
            pool.use(starting.elsewhere())
        forked = starting.forks and chosen.device == "cpu"
        if forked:
            shown.stage("importing torch and the libraries")
            policies = [policy] if beside is None else [policy, "system"]
            starting.prepare(
                policies, [(c.case.library, c.case.options.building) for c in chosen.comparisons]
            )
        begin(request, words, journal, chosen, use, "forked" if forked else "afresh", found)
        yield Session(
            request,
            pool,
            journal,
            shown,
            chosen.suite,
            chosen.comparisons,
            beside=beside,
            pauses=pauses,
        )


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


def choose(request: Request, pool: WorkerPool, shown: Progress) -> Chosen:
    """Choose the device, the suite and its comparisons.

    Args:
        request: what was asked.
        pool: where workers come from, of which one tells what there is.
        shown: told what is left out.

    Raises:
        BenchError: something in what was asked must be mended first.
    """
    facts = _facts(pool)
    device = choose_device(request.device, facts["devices"], facts["environment"]["torch"])
    suite = selection.choose_suite(request, device)
    suite = replace(suite, groups=_told(suite.groups, request, pool))
    comparisons = selection.comparisons(request, suite, device, shown.note)
    if request.shard is not None:
        comparisons = dealing.dealt(comparisons, request.shard)
    asked = {"do": "accelerator", "device": device}
    accelerator = _checked(pool.get().ask(asked, timeout=START_TIMEOUT))["accelerator"]
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
    """Those of a worker's that it has from us, less those that tell it what to do with memory:
    `Environment.memory` has that."""
    told = {name for words in KEEP.values() for name in words}
    return {
        name: value
        for name, value in variables.items()
        if name not in told or os.environ.get(name) == value
    }


def begin(
    request: Request,
    words: list[str],
    journal: Journal,
    chosen: Chosen,
    memory: MemoryUse | None,
    workers: Literal["forked", "afresh"],
    found: dict[str, Origin] | None = None,
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

    Raises:
        EnvironmentMismatch: the run that is resumed was made elsewhere.
    """
    journal.begin(
        Environment(
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            command=sharding.spelt_out(words, request.shard),
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
            **chosen.environment,
        )
    )


def choose_device(asked: str, devices: list[str], torch: dict[str, str | None]) -> str:
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


def _facts(pool: WorkerPool) -> dict[str, Any]:
    try:
        return _checked(pool.get().facts)
    except WorkerDied as died:
        raise BenchError(f"no worker can be started: {died}") from died


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if not answer["ok"]:
        raise BenchError(
            f"the worker can't work: {answer['reason']}; `python -m pip install torch torchvision"
            f" timm scikit-learn pillow`, or set everything up with `{program.everything()}`"
        )
    return answer
