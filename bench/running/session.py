"""One run of the program, from the first look at what was asked to its last record."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

import bench
from adapters.origins import Origin
from bench.cases import Comparison, Status
from bench.choosing import selection
from bench.choosing.engines import LOCAL
from bench.choosing.suites import Limits, Suite
from bench.errors import BenchError, UsageError
from bench.kinds import registry, sharding
from bench.kinds.record import OwnRecord
from bench.kinds.request import Request
from bench.records import provenance
from bench.records.journal import Journal
from bench.records.memory import MemoryPolicy, MemoryUse
from bench.records.slot import SlotFacts
from bench.records.types import ComparisonRecord, Environment
from bench.running import origins, progress, readying
from bench.running.chosen import Chosen
from bench.running.engines import registry as engines
from bench.running.measuring import ask
from bench.running.pauses import Pauses
from bench.running.pool import WorkerPool
from bench.running.process import WorkerDied
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
    expected = origins.parse(request.expect_from)
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(Journal(path, resume=request.resume))
        shown = stack.enter_context(progress.shown())
        first: MemoryPolicy = "system" if request.memory == "system" else "keep"
        engine = engines.of(request, shown.note)
        stack.callback(engine.close)
        try:
            ready = readying.slots(request, engine, first, stack, shown, expected)
        except WorkerDied as died:
            raise BenchError(f"a worker was lost before anything was measured: {died}") from died
        slots, chosen = ready.slots, ready.chosen
        begin(request, words, journal, chosen, ready.memory, ready.workers, ready.found, ready.told)
        several = len(slots) > 1 or engine.name != LOCAL
        yield Session(
            request,
            slots,
            journal,
            shown,
            chosen.suite,
            chosen.comparisons,
            retries=request.retries if request.retries is not None else RETRIES * several,
            ended=dict(journal.earlier.ended) if journal.earlier else {},
        )


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
            slots=list(slots),
            **chosen.environment,
        )
    )
