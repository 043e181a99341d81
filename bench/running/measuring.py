"""Measure one comparison in one worker process: prepare, warm up, time blocks. Imports no torch.

The worker does what it is told, a few blocks at a time; when to stop is decided here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.cases import Comparison
from bench.choosing.suites import Limits
from bench.errors import Ended
from bench.records import parsing
from bench.records.types import Prepared, ProcessRecord
from bench.running import timing_alone
from bench.running.observer import Observing
from bench.running.pauses import Pauses
from bench.running.pool import WorkerPool
from bench.running.process import WorkerDied, WorkerTimeout
from bench.running.progress import Progress
from bench.statistics import alone, blocks
from bench.statistics.alone import Stretch
from bench.statistics.blocks import Block, GpuState, Order, Sample
from bench.statistics.stopping import Looks, StopReason, StopRule
from bench.variants import naming
from bench.worker import protocol

WARMUP_AGREEMENT = 0.05
"""Log ratio of two successive blocks' times within which they agree."""
MAX_WARMUP_BLOCKS = 10
WARMUP_SHARE = 0.25
"""Of a process's measuring time, which warm-up may take."""
REQUEST_SECONDS = 0.2
"""Blocks shorter than this are asked for several at a time."""
MAX_BLOCKS_A_REQUEST = 64
MAX_REPEATED = 20
"""Spoilt blocks that are run again, in one process; those after them count."""


@dataclass
class Spent:
    """Where the time of a run went, in seconds."""

    building: float = 0.0
    checks: float = 0.0
    warmup: float = 0.0
    measured: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.building + other.building,
            self.checks + other.checks,
            self.warmup + other.warmup,
            self.measured + other.measured,
        )


@dataclass
class SoFar:
    """What is known of a comparison in one process so far."""

    process: int
    prepared: Prepared | None = None
    blocks: list[Block] = field(default_factory=list)
    stop: StopReason | None = None
    warmup_runs: int = 0
    settled: bool = True
    recompilations: int = 0


class Measuring:
    """One comparison in one worker process.

    Args:
        workers: where the worker comes from.
        comparison: what to measure.
        process: number of the process, from 0.
        limits: how long and how exactly.
        seed: of everything random.
        progress: who tells the user.
        spent: where the time went; added to.
        deadline: by `time.perf_counter`, when to give up.
        left: given the seconds this process may still take, those of the whole run.
        explain: also dissect the case.
        gate_only: check nothing but that both variants agree, since an earlier process of the case
            has looked at the rest.
        most: blocks that this process is worth.
        usual: seconds of a block in the processes before; None in the first.
        pauses: of other programs, to wait for; None where they do not matter.
        operations: count them, for what they predict.
        beside: whether it is one of those that have memory as the system gives it, and only show
            how far they lie apart: one block after the gate.
    """

    def __init__(
        self,
        workers: WorkerPool,
        comparison: Comparison,
        process: int,
        *,
        limits: Limits,
        seed: int,
        progress: Progress,
        spent: Spent,
        deadline: float,
        left: Callable[[float], float],
        explain: bool = False,
        gate_only: bool = False,
        most: float = math.inf,
        usual: float | None = None,
        pauses: Pauses | None = None,
        operations: bool = True,
        beside: bool = False,
    ) -> None:
        self._workers = workers
        self._comparison = comparison
        self._limits = limits
        self._seed = seed
        self._progress = progress
        self._spent = spent
        self._deadline = deadline
        self._left = left
        self._explain = explain
        self._gate_only = gate_only or beside
        self._most = 1 if beside else most
        self._usual = usual
        self._pauses = pauses
        self._operations = operations
        self._beside = beside
        self._rule = stop_rule(limits, comparison.case.device)
        self.so_far = SoFar(process)

    def run(self) -> ProcessRecord:
        """Measure.

        Raises:
            Ended: it failed, or the variants disagree; `so_far` holds what there is.
        """
        try:
            return self._run()
        except WorkerDied as died:  # while somebody looked at its processor
            self._workers.replace()
            raise Ended("failed", str(died), lost=died.lost) from None

    def _run(self) -> ProcessRecord:
        started = time.perf_counter()
        which = f"process {self.so_far.process + 1}: " if self._limits.processes > 1 else ""
        self._wait()
        self._progress.stage(f"{which}building, checking that both variants agree")
        prepared = self.so_far.prepared = self._prepare()
        if naming.must_agree(self._comparison) and not prepared.equality.equal:
            if prepared.unsuited is not None:
                raise Ended("reads parameter gradients", prepared.unsuited)
            raise Ended("unequal", prepared.unequal or "the variants' outputs differ")
        self._parts = (prepared.findings and prepared.findings.parts) or 1
        observer = self._workers.observer(self._comparison.case.library)
        block_seconds = self._usual or math.inf
        if not self._beside:
            self._progress.stage("warming up")
            block_seconds = self._warm_up()
        self._time_blocks(block_seconds, observer)
        stretches = self._time_alone()
        found = self.so_far
        assert found.stop is not None
        return ProcessRecord(
            case_id=self._comparison.case.id,
            variant=self._comparison.variant,
            process=found.process,
            prepared=prepared,
            blocks=found.blocks,
            stop_reason=found.stop,
            warmup_runs=found.warmup_runs,
            settled=found.settled,
            conditions=observer.conditions(),
            elapsed=round(time.perf_counter() - started, 3),
            memory="system" if self._beside else None,
            alone=stretches,
            baseline=self._comparison.baseline,
            recompilations=found.recompilations,
        )

    def _prepare(self) -> Prepared:
        asked = {
            "do": "prepare",
            **protocol.asked(self._comparison, self._seed),
            "explain": self._explain,
            "operations": self._operations,
            "gate_only": self._gate_only,
        }
        before = self._workers.start_seconds
        started = time.perf_counter()
        checks = 0.0
        try:
            answer = self.ask(asked)
            if "stale" in answer:
                self._workers.replace()
                answer = self.ask(asked)
            checks = answer["check_seconds"]
        finally:
            starting = self._workers.start_seconds - before
            self._spent.checks += checks
            self._spent.building += time.perf_counter() - started - checks - starting
        return parsing.prepared(answer["prepared"])

    def _warm_up(self) -> float:
        """Run blocks until two successive ones agree; the seconds of the last.

        cuDNN's autotuning, where it is on, is over with the first block; a slow case that has no
        time for a second one, or for any, had its warm-up in the checks.
        """
        most = WARMUP_SHARE * self._rule.share
        if self._usual is not None and self._usual >= most:
            return self._usual
        times: list[float] = []
        orders = blocks.orders(self._seed, self.so_far.process)
        while True:
            (block,) = self._blocks([(next(orders), 0)])
            times.append(_seconds(block))
            self._spent.warmup += times[-1]
            self.so_far.warmup_runs += 2
            if len(times) > 1 and abs(math.log(times[-1] / times[-2])) <= WARMUP_AGREEMENT:
                return times[-1]
            if len(times) == MAX_WARMUP_BLOCKS or sum(times) >= most:
                self.so_far.settled = len(times) == 1
                return times[-1]

    def _time_blocks(self, block_seconds: float, observer: Observing) -> None:
        measured = self.so_far.blocks
        looks = Looks(self._rule, self._most)
        at_once = max(1, min(MAX_BLOCKS_A_REQUEST, int(REQUEST_SECONDS / block_seconds)))
        if math.isfinite(self._most):
            at_once = min(at_once, int(self._most))
        repeated = 0
        orders = blocks.orders(self._seed, self.so_far.process)
        parts = blocks.parts(self._seed * 1_000_003 + self.so_far.process, self._parts)
        elapsed = 0.0  # without waits
        while self.so_far.stop is None:
            if self._pauses is not None:
                observer.leaving_out(self._wait)
            begun = time.perf_counter()
            asked = [(next(orders), next(parts)) for _ in range(at_once)]
            for block in self._blocks(asked, may_repeat=MAX_REPEATED - repeated):
                repeated += block.repeated
                measured.append(block)
                self._spent.measured += _seconds(block)
            observer.look()
            elapsed += time.perf_counter() - begun
            self.so_far.stop = looks.reason(measured, elapsed)
            if looks.interval is not None:
                self._progress.block(looks.interval, self._left(self._rule.share - elapsed))

    def _time_alone(self) -> list[Stretch]:
        """Run each variant alone, where the device asks for that."""
        if self._beside or not alone.wanted(self._comparison.case.device):
            return []
        self._progress.stage("each variant alone")
        found = self.so_far
        stretches = timing_alone.run(self.ask, found.process, found.blocks, self._rule.share)
        self._spent.measured += sum(sum(stretch.seconds) for stretch in stretches)
        return stretches

    def _wait(self) -> None:
        if self._pauses is not None:
            self._pauses.wait(lambda: self._progress.stage("waiting until other programs pause"))

    def _blocks(self, asked: list[tuple[Order, int]], may_repeat: int = 0) -> list[Block]:
        """Run a block in each of these orders, of these parts."""
        orders, parts = zip(*asked, strict=True)
        answer = self.ask({"do": "blocks", "orders": orders, "parts": parts})
        found = []
        for (order, part), told in zip(asked, answer["blocks"], strict=True):
            self.so_far.recompilations += told["compiled"]
            repeat = bool(told["spoilt"]) and may_repeat > 0
            may_repeat -= repeat
            samples = tuple(Sample(**sample) for sample in told["samples"])
            gpu = None if told["gpu"] is None else GpuState.from_json(told["gpu"])
            found.append(Block(self.so_far.process, order, samples, repeat, gpu, part))
        return found

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask the worker.

        Raises:
            Ended: it died, took too long, or says why it can't.
        """
        library, left = self._comparison.case.library, self._deadline - time.perf_counter()
        return ask(self._workers, library, request, left, self._limits.patience)


def stop_rule(limits: Limits, device: str) -> StopRule:
    """What is asked of a case on a device, by torch's name of it."""
    return StopRule.for_device(device, limits.precision, limits.max_seconds, limits.processes)


def ask(
    workers: WorkerPool, library: str, request: dict[str, Any], left: float, patience: float
) -> dict[str, Any]:
    """Ask a library's worker; one that is of no use any more is replaced.

    Args:
        workers: where it comes from.
        library: whose.
        request: see `bench.worker.serve`.
        left: seconds to wait.
        patience: seconds that were allowed in all, for the message.

    Raises:
        Ended: it died, took too long, or says why it can't.
    """
    try:
        worker = workers.get(library, request.get("building", ""))
        answer: dict[str, Any] = worker.ask(request, left)
    except WorkerTimeout:
        workers.replace()
        raise Ended(
            "timeout", f"not done after {patience:g} s; raise --timeout, or ask for less"
        ) from None
    except WorkerDied as died:
        workers.replace()
        raise Ended("failed", str(died), lost=died.lost) from None
    if not answer["ok"]:
        if answer["tainted"]:
            workers.replace()
        raise Ended(answer["status"], answer["reason"], answer["trace"])
    return answer


def _seconds(block: Block) -> float:
    return sum(sample.seconds for sample in block.samples)
