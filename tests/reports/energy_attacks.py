"""Records of energy attacks made up for the purpose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.cases import Case
from bench.kinds.energy.findings import LINE, EnergyFindings, EnergyRecord, Reached, Step
from bench.kinds.energy.options import TRAINED, EnergyOptions
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics.estimate import Speedup
from tests.records import ENVIRONMENT, GAIN

ITERATIONS = {"ilfo": 300}


def case(attack: str = "gradmdm", model: str = "skipnet_hrl", **more: Any) -> Case:
    """`more`: of the options, and `batch` and `weights`."""
    batch, weights = more.pop("batch", 8), more.pop("weights", TRAINED)
    iterations = more.pop("iterations", ITERATIONS.get(attack, 100))
    options = EnergyOptions(input_shape=(3, 32, 32), steps=5, iterations=iterations, **more)
    return Case("papers", attack, model, batch, "float32", "cpu", options, weights=weights)


def reached(
    recovery: Iterable[float | None] = (80.0, 60.0), error: float = 0.1, **changes: Any
) -> Reached:
    """Clean images execute 60 of 100 operations; those with nothing to recover, all."""
    found = list(recovery)
    clean = [100.0 if value is None else 60.0 for value in found]
    flops = [c + (100 - c) * (v or 0) / 100 for c, v in zip(clean, found, strict=True)]
    right = [number % 2 == 0 for number in range(len(found))]
    every = [True] * len(found)
    errors = [error] * len(found)
    made = Reached(len(found), found, errors, clean, flops, 100.0, every, right)
    return replace(made, **changes)


def course(recoveries: Iterable[float | None], errors: Iterable[float], **more: Any) -> list[Step]:
    """A step for each recovery, with its error; `more` is of each."""
    pairs = zip(recoveries, errors, strict=True)
    return [Step(recovery, error, **more) for recovery, error in pairs]


def attacked(of: Case | None = None, seed: int = 0, **changes: Any) -> EnergyRecord:
    """An attack to its end."""
    of = of or case()
    record = EnergyRecord(
        case_id=of.id,
        case=of,
        variant="semi-backward",
        status="ok",
        seed=0,
        network_seed=seed,
        iterations=EnergyOptions.of(of).iterations,
        weights="0123456789abcdef",
        reached=reached(),
        seconds=2.0,
    )
    return replace(record, **changes)


def failed(of: Case | None = None, seed: int = 0, reason: str = "it fell over") -> EnergyRecord:
    return attacked(of, seed, status="failed", reason=reason, reached=None)


def timed(of: Case | None = None, ratio: float = 1.6, **changes: Any) -> ComparisonRecord:
    """A run of 1 s, 5 steps, and what the ratio leaves of it with the trick."""
    of = of or case()
    two = of.attack in ("gradmdm", "masking", "in-turn")
    found = EnergyFindings(
        weights="trained on digits, seed 0",
        iterations=EnergyOptions.of(of).iterations,
        backwards=2 if two else 1,
        reached=reached(),
    )
    record = replace(
        GAIN,
        case=of,
        case_id=of.id,
        speedup=Speedup(ratio, ratio * 0.99, ratio * 1.01, 0.95, 5, 50, "t interval"),
        seconds={"original": [1.0] * 50, "semi-backward": [1.0 / ratio] * 50},
        theory={"speedup": 1.66 if two else 1.49, "basis": "flops"},
        findings=found,
        warnings=[],
    )
    return replace(record, **changes)


def run(*records: ComparisonRecord | EnergyRecord, **environment: Any) -> Run:
    own = tuple(record for record in records if isinstance(record, EnergyRecord))
    compared = tuple(record for record in records if isinstance(record, ComparisonRecord))
    made = replace(ENVIRONMENT, **environment)
    return Run(Path("x.jsonl"), made, compared, own={LINE: own} if own else {})


def against_ilfo(networks: int = 3, **more: Any) -> list[ComparisonRecord | EnergyRecord]:
    """ILFO ends with a recovery of 50 % at an error of 0.25; GradMDM is there after 2 updates, and
    ends with more at less, a little more with every network."""
    ilfo, ours = case("ilfo", **more), case("gradmdm", **more)
    found: list[ComparisonRecord | EnergyRecord] = [timed(ilfo, 1.45), timed(ours, 1.6)]
    for seed in range(networks):
        found.append(
            attacked(
                ilfo,
                seed,
                reached=reached([100.0, 0.0], 0.25),
                steps=course([0.0, 20.0, 40.0, 45.0], [0.0, 0.1, 0.2, 0.3], on="0110"),
            )
        )
        found.append(
            attacked(
                ours,
                seed,
                reached=reached([100.0, 60.0 + 10 * seed], 0.11),
                steps=course(
                    [0.0, 30.0, 55.0, 70.0],
                    [0.0, 0.05, 0.08, 0.1],
                    on="0111",
                    angle=110.0,
                    masked_angle=90.0,
                ),
            )
        )
    return found
