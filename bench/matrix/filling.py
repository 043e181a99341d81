"""Fill the cells of a matrix: count each case in each environment, several at a time. Imports no
torch."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from adapters.base import INSTALL_IT
from bench import telling
from bench.cases import FORWARD_ONLY, SEMI_BACKWARD, Case, Comparison
from bench.kinds import registry
from bench.matrix.asked import Library
from bench.matrix.environments import Base, Environments, NotInstalled, Planned
from bench.records.matrix import CellRecord
from bench.records.types import ComparisonRecord, CountsRecord
from bench.running import threads
from bench.running.counting import CountRunner
from bench.running.pool import Start, WorkerPool
from bench.running.process import WorkerDied, WorkerProcess, spawn
from bench.running.session import Session
from bench.variants import naming

EAGER, COMPILED = "eager", "compiled"
MODES = {EAGER: "", COMPILED: "aot-eager"}
"""The part that a case's baseline has in each mode; none: the library as shipped."""
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Block:
    """What is asked of one environment.

    Attributes:
        planned: the environment for a torch.
        library: the layer in it.
        comparisons: what is asked there.
    """

    planned: Planned
    library: Library
    comparisons: tuple[Comparison, ...]

    def __str__(self) -> str:
        return ", ".join(filter(None, (f"torch {self.planned.torch}", str(self.library))))

    def cells(self, reason: str, seed: int) -> Iterator[CellRecord]:
        """Of what can't be had: each cell, with the reason."""
        for comparison in self.comparisons:
            yield self.cell(unsupported(comparison, reason, seed))

    def cell(
        self, answer: CountsRecord | ComparisonRecord, installed: Mapping[str, str] | None = None
    ) -> CellRecord:
        """A cell with its answer."""
        return CellRecord(
            torch=self.planned.torch,
            library=str(self.library),
            answer=answer,
            installed=dict(installed or {}),
        )


def asked(case: Case, modes: Iterable[str]) -> Iterator[Comparison]:
    """What is counted of a case: in each mode the baseline, and the same with frozen parameters.

    Compiled, only what reads gradients: nothing else is computed otherwise.

    Args:
        case: which.
        modes: by name.
    """
    kind = registry.get(case.kind)
    reads = FORWARD_ONLY not in kind.usual(case)
    for mode in modes:
        own = [MODES[mode]] if MODES[mode] else []
        variant = naming.together([SEMI_BACKWARD, *own])
        if not own or (reads and naming.fits(variant, kind.fitting(case))):
            yield Comparison(case, variant, naming.together(own))


def unsupported(comparison: Comparison, reason: str, seed: int) -> CountsRecord:
    """The count of what can't be run."""
    return CountsRecord(
        case_id=comparison.case.id,
        case=comparison.case,
        baseline=comparison.baseline,
        variant=comparison.variant,
        status="unsupported",
        seed=seed,
        reason=reason,
    )


@dataclass
class Filling:
    """Counts the cells of a matrix.

    Attributes:
        session: what is open; its journal gets the cells.
        environments: where they are counted.
        jobs: how many versions of libraries at a time.
        total: how many cells there are to count.
    """

    session: Session
    environments: Environments
    jobs: int
    total: int = 0
    _done: int = 0
    _pools: list[WorkerPool] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def run(self, blocks: Sequence[Block]) -> None:
        """Count all of them, one torch after the other.

        Raises:
            BenchError: uv is not here, or a record can't be written.
        """
        self.total = sum(len(block.comparisons) for block in blocks)
        for planned in dict.fromkeys(block.planned for block in blocks):
            mine = [block for block in blocks if block.planned == planned]
            self.session.progress.stage(f"torch {planned.torch}: the environment")
            try:
                with self.environments.base(planned) as base:
                    self._together(base, mine)
            except NotInstalled as error:
                self._can_t(mine, error)

    def _together(self, base: Base, blocks: Sequence[Block]) -> None:
        waiting = list(blocks)

        def work() -> None:
            while True:
                with self._lock:
                    if not waiting or self._stopped.is_set():
                        return
                    block = waiting.pop(0)
                self._fill(base, block)

        def stop() -> None:
            self._stopped.set()
            with self._lock:
                for pool in self._pools:
                    pool.shut()

        self._stopped.clear()
        threads.together([work] * min(self.jobs, len(waiting)), stop)

    def _fill(self, base: Base, block: Block) -> None:
        try:
            layer = self.environments.layer(base, block.library)
        except NotInstalled as error:
            self._can_t([block], error)
            return
        pool = WorkerPool(starting(base, layer, self.jobs))
        with self._lock:
            self._pools.append(pool)
        request = self.session.request
        counter = CountRunner(
            pool, request.seed, self.session.patience, self.session.progress, request.verbose
        )
        seen: dict[str, str] = {}
        try:
            for comparison in block.comparisons:
                self._begin(block, comparison)
                answer = counter.count(comparison)
                if self._stopped.is_set():
                    return  # its worker was ended with the run
                if answer.reason is not None:
                    answer = replace(answer, reason=self._anywhere(answer.reason))
                seen = seen or installed(pool, comparison.case)
                self._write(block, block.cell(answer, seen))
        finally:
            pool.replace()
            with self._lock:
                self._pools.remove(pool)

    def _anywhere(self, reason: str) -> str:
        """A reason as it would be told of environments in another folder."""
        own = f"{self.environments.folder}{os.sep}"
        return reason.partition(INSTALL_IT)[0].replace(own, "")

    def _begin(self, block: Block, comparison: Comparison) -> None:
        with self._lock:
            self._done += 1
            said = f"{block}: {comparison.case}, {comparison.baseline}"
            self.session.progress.task(said, self._done, self.total)

    def _can_t(self, blocks: Sequence[Block], error: NotInstalled) -> None:
        """Write down why the cells of some blocks are empty."""
        self.session.progress.note(telling.line(str(error)))
        if self.session.request.verbose and error.whole:
            self.session.progress.note(telling.lines(error.whole))
        for block in blocks:
            for cell in block.cells(str(error), self.session.request.seed):
                with self._lock:
                    self._done += 1
                self._write(block, cell)

    def _write(self, block: Block, cell: CellRecord) -> None:
        with self._lock:
            self.session.journal.append(cell)
        if cell.status != "ok" and cell.installed:
            said = f"  {block}: {cell.case}: {cell.status}: {cell.reason}"
            self.session.progress.note(telling.line(said))


def starting(base: Base, layer: Path | None, jobs: int) -> Start:
    """Starts workers in an environment.

    Args:
        base: the environment.
        layer: the folder that comes first on their path.
        jobs: how many there are at a time, which share the cores.
    """
    first = [] if layer is None else [layer]
    share = str(max(1, (os.cpu_count() or 1) // jobs))
    variables = {name: os.environ.get(name, share) for name in THREADS if jobs > 1}
    variables["PYTHONNOUSERSITE"] = "1"
    return lambda *_: WorkerProcess(
        lambda log: spawn(log, python=str(base.python), first=first, variables=variables)
    )


def installed(pool: WorkerPool, case: Case) -> dict[str, str]:
    """Versions by name of what a worker sees; nothing where none can be started."""
    try:
        facts = pool.get(case.library, case.options.building).facts
    except WorkerDied:
        return {}
    if not facts.get("ok"):
        return {}
    made = facts["environment"]
    return {"python": made["python"], **made["libraries"]}
