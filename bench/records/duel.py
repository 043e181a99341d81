"""What a record of a duel holds; see `bench.records.types`. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bench.cases import Case
from bench.records.types import SCHEMA, EqualityRecord, MemoryParts, Status
from bench.running.conditions import Conditions
from bench.statistics.blocks import GpuState, Order
from bench.statistics.diagnosis import Diagnosis
from bench.statistics.estimate import Speedup, Verdict
from bench.statistics.stopping import StopReason


@dataclass(frozen=True)
class DuelSide:
    """One of the two versions of a library in a duel.

    Attributes:
        asked: what --a or --b was given.
        distribution, version: what that installed.
        digest: of the installed files.
        unmet: what it requires and the environment, shared by both sides, does not have.
        libraries: version by distribution of what this side's workers saw.
    """

    asked: str
    distribution: str
    version: str
    digest: str
    unmet: list[str] = field(default_factory=list)
    libraries: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DuelRecord:
    """One case, original of one version of a library against original of the other, however it
    ended.

    What has an entry for each variant in a comparison has here one for "a" and one for "b"; the
    speedup is time(a) / time(b).

    Attributes:
        case_id, case, status, seed, elapsed, reason, verdict, speedup, stop_reason, memory,
            memory_parts, seconds, host_seconds, order, processes, repeated, gpu, diagnosis,
            conditions, warmup_runs, timer, warnings: as in a comparison.
        sides: "a" and "b".
        equality: whether both made the same adversarial examples; they need not.
        gradients: `parameters`, how many the model has; `call a` and `call b`, how each asks; `a`
            and `b`, how many had their gradient computed in one run.
        controls: time(a) / time(b) of the same code in both workers, for each pair of processes
            that was started; those that were too uneven were not measured with.
    """

    case_id: str
    case: Case
    sides: dict[str, DuelSide]
    status: Status
    seed: int
    elapsed: float
    reason: str | None = None
    verdict: Verdict | None = None
    speedup: Speedup | None = None
    stop_reason: StopReason | None = None
    equality: EqualityRecord | None = None
    memory: dict[str, int | float | str] | None = None
    memory_parts: dict[str, MemoryParts] | None = None
    gradients: dict[str, int | str] | None = None
    seconds: dict[str, list[float]] = field(default_factory=dict)
    host_seconds: dict[str, list[float]] | None = None
    order: list[Order] = field(default_factory=list)
    processes: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    gpu: list[GpuState | None] | None = None
    diagnosis: Diagnosis | None = None
    conditions: list[Conditions] = field(default_factory=list)
    warmup_runs: int = 0
    timer: str | None = None
    controls: list[Speedup] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    schema: Literal[1] = SCHEMA
    kind: Literal["duel"] = "duel"
