"""What a record holds: the types of the lines; `bench.records.reading` has the files.

They are the single source; `record.schema.json` is made from them (`make schema`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from adapters.origins import Origin
from bench.cases import BASELINE, Case, Findings, Status, question
from bench.kinds.record import SCHEMA
from bench.records.memory import AsGiven, MaxBatch, MemoryParts, MemoryPolicy, MemoryUse
from bench.records.slot import Slot, SlotFacts
from bench.statistics.alone import Stretch
from bench.statistics.anatomy import Anatomy
from bench.statistics.blocks import Block, GpuState, Order
from bench.statistics.conditions import Conditions
from bench.statistics.counts import Counts
from bench.statistics.diagnosis import DeviceUse, Diagnosis
from bench.statistics.energy import Energy
from bench.statistics.equality import Equality
from bench.statistics.estimate import Speedup, Verdict
from bench.statistics.observed import Observed
from bench.statistics.preparation import Preparation
from bench.statistics.stopping import StopReason


@dataclass(frozen=True)
class Environment:
    """Where a run was made; the first line of every file.

    Attributes:
        created: ISO 8601 time, UTC.
        command: the command line of the run.
        seed: of orders, weights, attacks and resampling.
        bench_version: of this program.
        python, platform, processor, cores: of the worker's machine.
        torch: its version and what it was built for (None: not there).
        threads: of torch's CPU kernels.
        suite: the suite the cases came from; None before this was recorded.
        device: what the cases ran on.
        accelerator: the GPU's name, count, memory in bytes and capability; empty without one.
        math: settings of torch that change speed or results.
        libraries: version by distribution of what is installed and matters.
        variables: environment variables that change speed or results, where set.
        code: digest of this program's own modules.
        files: digest of each file of the user's that is measured.
        origins: where each library that is measured was imported from, by the name that --libs
            takes; also modules of the user's, and what files of the user's import.
        memory: what workers do with memory that is given back; None on an accelerator, and in
            records made before this was kept.
        workers: "forked" from a process that has imported everything and run nothing, or started
            "afresh"; None before this was recorded.
        slots: of the run, in the order they were opened; empty before this was recorded.
    """

    created: str
    command: list[str]
    seed: int
    bench_version: str
    python: str
    platform: str
    processor: str
    cores: int
    torch: dict[str, str | None]
    threads: int
    device: str
    accelerator: dict[str, str | int]
    math: dict[str, str | bool]
    libraries: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    suite: str | None = None
    code: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    memory: MemoryUse | None = None
    workers: Literal["forked", "afresh"] | None = None
    slots: list[SlotFacts] = field(default_factory=list)
    schema: Literal[2] = SCHEMA
    kind: Literal["environment"] = "environment"


@dataclass(frozen=True)
class Operations:
    """What was counted in one run of a variant.

    Attributes:
        forward: floating-point operations of what ran outside autograd's engine.
        backward: of what ran inside it.
        images: that went through the model outside the engine, each as often as it did; of text,
            sentences. 0 where the model was not called with tensors.
        moved: bytes that its operations read and wrote at least once: arguments and results of
            each; None in records made before this was kept.
    """

    forward: int
    backward: int
    images: int
    moved: int | None = None


@dataclass(frozen=True)
class Prepared:
    """What one worker process found before any timing.

    Attributes:
        equality, gradients, observed, theory, memory, memory_parts, operations, anatomy, warnings,
            timer, findings, preparation: as in a comparison.
        device_use: what one profiled run of the baseline did, on CUDA.
        unequal: why the outputs differ, where they do.
        unsuited: why the trick is not for the attack, where the outputs differ by that.
        library_version: of the library that was measured.
        energy_period: seconds between two updates of the GPU's counter of energy; None where it has
            none.
    """

    equality: Equality
    gradients: dict[str, int | str] | None = None
    theory: dict[str, float | str] | None = None
    memory: dict[str, int | float | str] | None = None
    memory_parts: dict[str, MemoryParts] | None = None
    operations: dict[str, Operations] | None = None
    device_use: DeviceUse | None = None
    anatomy: Anatomy | None = None
    warnings: list[str] = field(default_factory=list)
    unequal: str | None = None
    unsuited: str | None = None
    observed: dict[str, Observed] | None = None
    library_version: str | None = None
    timer: str | None = None
    findings: Findings | None = None
    energy_period: float | None = None
    preparation: dict[str, Preparation] | None = None


@dataclass(frozen=True)
class ProcessRecord:
    """What one worker process measured of one comparison.

    Attributes:
        case_id, variant: the comparison it is part of.
        process: its number, from 0.
        prepared: what was found before timing.
        blocks: in the order they were run.
        stop_reason: why it stopped.
        warmup_runs: runs of each variant before the first sample.
        settled: whether the last warm-up blocks agreed.
        conditions: of the processor meanwhile.
        elapsed: wall seconds.
        memory: what it did with memory that was given back, where it was asked to do otherwise than
            the environment says.
        alone: each variant run alone, after the blocks.
        baseline: what the variant is held against.
        recompilations: graphs that were compiled in the blocks, and not before.
        slot: where it was measured; None before this was recorded.
    """

    case_id: str
    variant: str
    process: int
    prepared: Prepared
    blocks: list[Block]
    stop_reason: StopReason
    warmup_runs: int
    settled: bool
    conditions: Conditions
    elapsed: float
    memory: MemoryPolicy | None = None
    alone: list[Stretch] = field(default_factory=list)
    baseline: str = BASELINE
    recompilations: int = 0
    slot: Slot | None = None
    schema: Literal[2] = SCHEMA
    kind: Literal["process"] = "process"

    @property
    def key(self) -> tuple[str, str]:
        """The comparison it is part of."""
        return question(self.case_id, self.variant, self.baseline)


@dataclass(frozen=True)
class CountsRecord:
    """What one case does in its baseline and in one variant, counted; nothing in it is a time.

    Attributes:
        case_id, case, baseline, variant: what was counted.
        status: "ok", or how it ended; counts of variants that are "unequal" are there all the same.
        reason: why the status is not "ok", in words.
        seed: of weights and attacks.
        parameters: how many the model has.
        counts: of each variant.
        observed: whose gradients one run of each variant computes, and why; None in records made
            before this was kept.
        warnings: what to know, each with what to do.
    """

    case_id: str
    case: Case
    baseline: str
    variant: str
    status: Status
    seed: int
    reason: str | None = None
    parameters: int | None = None
    counts: dict[str, Counts] = field(default_factory=dict)
    observed: dict[str, Observed] | None = None
    warnings: list[str] = field(default_factory=list)
    schema: Literal[2] = SCHEMA
    kind: Literal["counts"] = "counts"

    @property
    def key(self) -> tuple[str, str]:
        """What makes two records answers to the same question."""
        return question(self.case_id, self.variant, self.baseline)


@dataclass(frozen=True, kw_only=True)
class Timed:
    """What a comparison and a duel have in common: one way to run a case, timed against another.

    Attributes:
        case_id: a digest of what was asked, whichever version of the library answered.
        case: what was measured.
        status: "ok", or how it ended; only "ok" has a speedup.
        seed: of orders, weights and attacks.
        reason: why the status is not "ok", in words.
        verdict: the interval read against a band of ±2 %.
        speedup: time of the first way over the second's, with its interval.
        equality: whether both made the same adversarial examples.
        stop_reason: why measuring stopped: the interval was narrow enough, time was up, or all
            processes had run.
        memory: peak bytes of one run of each way, `unit` and `what` they are, and their `ratio`,
            the first over the second.
        memory_parts: what the peak of each way is made of.
        gradients: `call`, how gradients are asked for; `parameters`, how many the model has; and
            for each way how many had their gradient computed in one run.
        observed: whose gradients one run of each way computes, and why; None in records made before
            this was kept.
        seconds: every sample of each way, in the order they were run.
        host_seconds: on CUDA, wall time until the call returned, sample by sample.
        faults: minor page faults, sample by sample; None where nobody counted them.
        energy: that the GPU took for each sample, where NVML tells.
        order: of each block, A the first way and B the second.
        processes: the number of each block's worker process.
        repeated: indices of blocks that a throttled GPU, or a stranger on it, spoilt; they do not
            count.
        gpu: its state in each block, where NVML tells.
        alone: on CUDA, runs of each way without the other in between, after the blocks.
        diagnosis: what the samples say of the measurement itself.
        conditions: of the processor, for each worker process.
        warmup_runs: runs of each way before the first sample.
        timer: what told the time.
        warnings: what to know, each with what to do.
        elapsed: wall seconds spent on the case, everything included.
        slot: where all of it was measured; None before this was recorded.
        tries: how often it was begun, where workers were killed or slots were lost on the way.
        number: of the question among all that the run was asked, from 0, whatever the order in
            which slots came to their ends; None before this was recorded.
    """

    case_id: str
    case: Case
    status: Status
    seed: int
    elapsed: float
    reason: str | None = None
    verdict: Verdict | None = None
    speedup: Speedup | None = None
    stop_reason: StopReason | None = None
    equality: Equality | None = None
    memory: dict[str, int | float | str] | None = None
    memory_parts: dict[str, MemoryParts] | None = None
    gradients: dict[str, int | str] | None = None
    observed: dict[str, Observed] | None = None
    seconds: dict[str, list[float]] = field(default_factory=dict)
    host_seconds: dict[str, list[float]] | None = None
    faults: dict[str, list[int]] | None = None
    energy: Energy | None = None
    order: list[Order] = field(default_factory=list)
    processes: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    gpu: list[GpuState | None] | None = None
    alone: list[Stretch] = field(default_factory=list)
    diagnosis: Diagnosis | None = None
    conditions: list[Conditions] = field(default_factory=list)
    warmup_runs: int = 0
    timer: str | None = None
    warnings: list[str] = field(default_factory=list)
    slot: Slot | None = None
    tries: int = 1
    number: int | None = None
    schema: Literal[2] = SCHEMA

    @property
    def timed(self) -> dict[str, Any]:
        """All of this by name, as the record of another of the two has it."""
        return {field.name: getattr(self, field.name) for field in fields(Timed)}


@dataclass(frozen=True, kw_only=True)
class ComparisonRecord(Timed):
    """One case, one variant against the baseline, however it ended.

    Attributes:
        baseline, variant: the two ways to run it that are compared.
        theory: the speedup the operations predict, and `basis`, what it was counted from; `bytes`,
            the ratio of what the operations read and write; of training also what counting `passes`
            predicts.
        operations: floating-point operations of one run of each variant; None without a count, and
            in records made before this was kept.
        anatomy: what the runs are made of, where `explain` asked.
        max_batch: the largest batch that fits, where that was asked.
        parts: of a case in several parts, the number of the one that each block measured, from 0.
        findings: what the case's kind records beyond all this.
        as_given: the same with memory as the system gives it, where both were asked for.
        preparation: what making each way ready took, of those that compile or capture something.
        recompilations: graphs that were compiled while it was timed.
    """

    baseline: str
    variant: str
    theory: dict[str, float | str] | None = None
    operations: dict[str, Operations] | None = None
    anatomy: Anatomy | None = None
    max_batch: MaxBatch | None = None
    parts: list[int] = field(default_factory=list)
    findings: Findings | None = None
    as_given: AsGiven | None = None
    preparation: dict[str, Preparation] | None = None
    recompilations: int = 0
    kind: Literal["comparison"] = "comparison"

    @property
    def key(self) -> tuple[str, str]:
        """What makes two records answers to the same question."""
        return question(self.case_id, self.variant, self.baseline)
