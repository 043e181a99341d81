"""Records of attacks by Monte-Carlo gradients, made up for the purpose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.cases import Case
from bench.kinds.sampling.findings import (
    JUDGED,
    PLAYED,
    AgentRecord,
    Bin,
    Judged,
    Played,
    RobustnessRecord,
    SamplingFindings,
)
from bench.kinds.sampling.options import TRAINED, SamplingOptions
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics.estimate import Speedup
from tests.records import ENVIRONMENT, GAIN

IMAGES = 200
STRENGTHS = (0, 1, 2, 4, 8, 16, 32, 64)
Record = ComparisonRecord | RobustnessRecord | AgentRecord


def case(
    defence: str = "sap-100", attack: str = "fgsm", model: str = "resnet20", **more: Any
) -> Case:
    """`more`: of the options, and `batch`, `weights` and `device`."""
    shared = {
        "weights": more.pop("weights", TRAINED),
    }
    batch, device = more.pop("batch", 4), more.pop("device", "cpu")
    more.setdefault("input_shape", (3, 32, 32))
    options = SamplingOptions(defence=defence, **more)
    return Case("sap", attack, model, batch, "float32", device, options, **shared)


def bins(images: int, right: int) -> list[Bin]:
    """All of the images in the eighth of ten, or all but the last, which is in the tenth."""
    some = [Bin(0, 0.0, 0.0) for _ in range(10)]
    some[7] = Bin(images, 0.75, right / images)
    if images > 1 and right:
        some[7] = Bin(images - 1, 0.75, (right - 1) / (images - 1))
        some[9] = Bin(1, 0.95, 1.0)
    return some


def judged(
    accuracies: Mapping[float, float] | Iterable[float], images: int = IMAGES, error: float = 0.1
) -> list[Judged]:
    """By λ, or of the first of the paper's λ; in percent."""
    if not isinstance(accuracies, Mapping):
        accuracies = dict(zip(STRENGTHS, accuracies, strict=False))
    found = []
    for strength, percent in accuracies.items():
        right = round(images * percent / 100)
        found.append(Judged(float(strength), images, right, error, bins(images, right)))
    return found


def robust(
    of: Case | None = None,
    accuracies: Mapping[float, float] | Iterable[float] = (90, 80, 70, 60, 50, 40, 30, 20),
    seed: int = 0,
    **changes: Any,
) -> RobustnessRecord:
    """A network under attack; `changes` may have `images` and `error`, of what is judged."""
    of = of or case()
    how = {name: changes.pop(name) for name in ("images", "error") if name in changes}
    record = RobustnessRecord(
        case_id=of.id,
        case=of,
        variant="semi-backward",
        status="ok",
        seed=0,
        network_seed=seed,
        passes=1 if SamplingOptions.of(of).defence == "dense" else 10,
        weights="0123456789abcdef",
        source=f"trained on digits, seed {seed}",
        judged=judged(accuracies, **how),
        seconds=2.0,
    )
    return replace(record, **changes)


def failed(of: Case | None = None, seed: int = 0, reason: str = "it fell over") -> RobustnessRecord:
    return robust(of, (), seed, status="failed", reason=reason)


def agent(
    of: Case | None = None,
    rewards: Mapping[float, Iterable[float]] | None = None,
    seed: int = 0,
    **changes: Any,
) -> AgentRecord:
    """An agent that plays two episodes with each of two λ."""
    of = of or playing()
    found = {0: (10.0, 12.0), 1: (4.0, 6.0)} if rewards is None else rewards
    record = AgentRecord(
        case_id=of.id,
        case=of,
        variant="semi-backward",
        status="ok",
        seed=0,
        network_seed=seed,
        passes=1 if SamplingOptions.of(of).defence == "dense" else 10,
        weights="0123456789abcdef",
        source=f"trained in catch, seed {seed}",
        played=[Played(float(strength), list(some)) for strength, some in found.items()],
        seconds=2.0,
    )
    return replace(record, **changes)


def playing(defence: str = "sap-100", environment: str = "catch", **more: Any) -> Case:
    """An agent's case."""
    return case(defence, model="ddqn", environment=environment, input_shape=(4, 84, 84), **more)


def timed(of: Case | None = None, ratio: float = 1.4, **changes: Any) -> ComparisonRecord:
    """A sample takes 0.01 s, and what the ratio leaves of it with the trick; as many samples in a
    pass as there are, at most 10."""
    of = of or case()
    options = SamplingOptions.of(of)
    chunk = min(options.chunk or 10, options.samples)
    seconds = 0.01 * options.samples * options.steps(of)
    passes = options.steps(of) * -(-options.samples // chunk)
    found = SamplingFindings(
        weights="trained on digits, seed 0",
        chunk=chunk,
        why="as many as pay",
        passes=passes,
        probed=min(passes, 10),
        relus=19,
    )
    record = replace(
        GAIN,
        case=of,
        case_id=of.id,
        speedup=Speedup(ratio, ratio * 0.99, ratio * 1.01, 0.95, 5, 50, "t interval"),
        seconds={"original": [seconds] * 50, "semi-backward": [seconds / ratio] * 50},
        memory={
            "original": 2_000_000 * chunk,
            "semi-backward": 1_000_000 * chunk,
            "unit": "bytes",
            "what": "peak",
        },
        theory={"speedup": 1.45, "basis": "flops"},
        findings=found,
        warnings=[],
    )
    return replace(record, **changes)


def run(*records: Record, **environment: Any) -> Run:
    own: dict[str, tuple[Any, ...]] = {}
    for line, kind in ((JUDGED, RobustnessRecord), (PLAYED, AgentRecord)):
        some = tuple(record for record in records if isinstance(record, kind))
        own |= {line: some} if some else {}
    compared = tuple(record for record in records if isinstance(record, ComparisonRecord))
    return Run(Path("x.jsonl"), replace(ENVIRONMENT, **environment), compared, own=own)
