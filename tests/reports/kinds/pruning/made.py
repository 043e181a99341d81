"""Records of pruning, made up for the purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.cases import BASELINE, SEMI_BACKWARD, Case
from bench.kinds.pruning.findings import (
    DENSE,
    PRUNED,
    SCORED,
    JudgedBy,
    KeptLayer,
    PrunedRecord,
    PruningFindings,
    ScoredLayer,
    ScoredRecord,
)
from bench.kinds.pruning.options import TRAINED, WHOLE, PruningOptions
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics.estimate import Speedup
from tests.records import ENVIRONMENT, GAIN

IMAGES = 1000
EPS = 32 / 255
SIZES = {"conv1": 432, "layer1.conv": 9216, "layer2.conv": 36864, "fc": 650}
"""Weights of the layers of a small network."""
STAGES = {
    "attack": (1.0, 1.4),
    "masks": (2.0, 1.0),
    "factors": (0.5, 1.2),
    "closed-form": (0.01, 1.0),
    "saliency": (3.5, 1.08),
    "finetuning": (1.5, 1.25),
    "evaluation": (4.0, 1.001),
}
"""Seconds of the original, and the speedup."""
Record = ComparisonRecord | ScoredRecord | PrunedRecord


def case(stage: str = WHOLE, model: str = "resnet20", **more: Any) -> Case:
    """`more`: of the options, and `batch`, `weights` and `device`."""
    weights, batch = more.pop("weights", TRAINED), more.pop("batch", 32)
    device = more.pop("device", "cpu")
    if stage in ("finetuning", "evaluation"):
        more.setdefault("percent", 0.9)
    more = {"input_shape": (3, 16, 16), "eps": EPS, **more}
    options = PruningOptions(**more)
    return Case("mad", stage, model, batch, "float32", device, options, weights=weights)


def timed(of: Case | None = None, **changes: Any) -> ComparisonRecord:
    """A stage, as slow as `STAGES` has it."""
    of = of or case()
    seconds, ratio = STAGES.get(of.attack, (1.0, 1.1))
    ratio = changes.pop("ratio", ratio)
    record = replace(
        GAIN,
        case=of,
        case_id=of.id,
        speedup=Speedup(ratio, ratio * 0.99, ratio * 1.01, 0.95, 5, 50, "t interval"),
        seconds={BASELINE: [seconds] * 50, SEMI_BACKWARD: [seconds / ratio] * 50},
        theory={"speedup": ratio + 0.02, "basis": "flops"},
        findings=PruningFindings(weights="trained on digits, seed 0", layers=4, prunable=47162),
        warnings=[],
    )
    return replace(record, **changes)


def stages(model: str = "resnet20", **more: Any) -> list[ComparisonRecord]:
    """Every one."""
    return [timed(case(stage, model, **more)) for stage in STAGES]


def layer(name: str, mean: float, weights: int = 100) -> ScoredLayer:
    """Quantiles from a little below 0 to many times the mean."""
    spread = (-0.5, -0.1, -0.01, 0.0, 0.001, 0.05, 0.3, 1.5, 4.0, 12.0, 90.0)
    return ScoredLayer(name, weights, mean, weights // 5, tuple(mean * one for one in spread))


def scored(
    of: Case | None = None,
    means: Sequence[float] | None = None,
    seed: int = 0,
    variant: str = SEMI_BACKWARD,
    **changes: Any,
) -> ScoredRecord:
    """The layers of `SIZES`, the first with the highest mean."""
    of = of or case()
    found = [4e-4, 2e-5, 3e-6, 1e-5] if means is None else means
    layers = [
        layer(name, mean, size) for (name, size), mean in zip(SIZES.items(), found, strict=False)
    ]
    record = ScoredRecord(
        case_id=of.id,
        case=of,
        variant=variant,
        status="ok",
        seed=0,
        network_seed=seed,
        batches=4,
        weights=f"network {seed}",
        source=f"trained on digits, seed {seed}",
        saliency=f"saliency {seed}",
        layers=layers,
        seconds={"attack": 4.0, "masks": 8.0, "factors": 2.0, "closed-form": 0.1},
    )
    return replace(record, **changes)


def judged(percents: Mapping[str, float], images: int = IMAGES) -> list[JudgedBy]:
    """By attack, in percent."""
    return [JudgedBy(name, images, round(images * p / 100)) for name, p in percents.items()]


def pruned(
    criterion: str = "mad",
    percents: Mapping[str, float] | None = None,
    percent: float = 0.9,
    seed: int = 0,
    of: Case | None = None,
    variant: str = SEMI_BACKWARD,
    **changes: Any,
) -> PrunedRecord:
    """A network that has 80 % of images right, and 50 % under PGD."""
    of = of or case()
    found = {"none": 80.0, "pgd": 50.0} if percents is None else percents
    dense = criterion == DENSE
    record = PrunedRecord(
        case_id=of.id,
        case=of,
        variant=variant,
        status="ok",
        seed=0,
        network_seed=seed,
        criterion=criterion,
        percent=0.0 if dense else percent,
        epochs=0 if dense else 2,
        batches=4 if criterion in ("mad", "largest") else 0,
        weights=f"{criterion} {percent} {seed}",
        masks="" if dense else f"masks {criterion} {percent} {seed}",
        layers=[
            KeptLayer(name, size, round(size * (1 - percent)))
            for name, size in SIZES.items()
            if not dense
        ],
        judged=judged(found, changes.pop("images", IMAGES)),
        seconds={} if dense else {"finetuning": 60.0, "evaluation": 5.0},
    )
    return replace(record, **changes)


def pipeline(
    seeds: int = 3,
    of: Case | None = None,
    percents: Sequence[float] = (0.9, 0.99),
) -> list[ScoredRecord | PrunedRecord]:
    """Networks by every criterion, those of the first seed both ways."""
    found: list[ScoredRecord | PrunedRecord] = []
    for seed in range(seeds):
        for variant in (BASELINE, SEMI_BACKWARD) if seed == 0 else (SEMI_BACKWARD,):
            shared: dict[str, Any] = {"seed": seed, "of": of, "variant": variant}
            found.append(scored(**shared))
            found.append(pruned(DENSE, {"none": 90 - seed, "pgd": 60 + seed}, **shared))
            for percent in percents:
                lost = 40 * (percent - 0.8)
                for at, criterion in enumerate(("mad", "largest", "random", "magnitude")):
                    right = {"none": 88 - lost - 6 * at + seed, "pgd": 58 - lost - 6 * at - seed}
                    found.append(pruned(criterion, right, percent, **shared))
    return found


def run(*records: Record, **environment: Any) -> Run:
    own: dict[str, tuple[Any, ...]] = {}
    for line, kind in ((SCORED, ScoredRecord), (PRUNED, PrunedRecord)):
        some = tuple(record for record in records if isinstance(record, kind))
        own |= {line: some} if some else {}
    compared = tuple(record for record in records if isinstance(record, ComparisonRecord))
    return Run(Path("x.jsonl"), replace(ENVIRONMENT, **environment), compared, own=own)
