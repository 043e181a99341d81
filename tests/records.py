"""Records made up for the purpose: of comparisons, counts and trainings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy

from bench.cases import Case
from bench.kinds.training.record import LINE, TrainingRecord
from bench.records import reading
from bench.records.reading import Run
from bench.records.types import ComparisonRecord, CountsRecord, Environment
from bench.statistics.counts import Counts
from bench.statistics.estimate import Speedup
from bench.statistics.observed import Observed
from tests.cases import changed, image_case, training_case
from tests.workers import ScriptedWorker, measure

ENVIRONMENT = Environment(
    created="2026-01-01T00:00:00+00:00",
    command=["python", "-m", "bench"],
    seed=0,
    bench_version="0",
    python="3.11.7",
    platform="Linux x86_64",
    processor="a processor",
    cores=2,
    torch={"version": "2.13.0", "cuda": None, "cudnn": None},
    threads=2,
    device="cpu",
    accelerator={},
    math={},
    libraries={},
)

GAIN = measure(ScriptedWorker())
NO_GAIN = replace(
    GAIN,
    case=changed(GAIN.case, library="torchattacks"),
    verdict="same",
    speedup=Speedup(1.001, 0.996, 1.004, 0.95, 1, 12, ""),
    gradients={"call": "autograd.grad", "parameters": 62, "original": 0, "semi-backward": 0},
    observed={
        "original": Observed(calls=5, reached=62, skipped=62, model_calls=5),
        "semi-backward": Observed(calls=5, model_calls=5, frozen_before=62, frozen=62),
    },
    theory={"speedup": 1.0, "basis": "flops"},
)
FAILED = ComparisonRecord(
    case_id="0",
    case=changed(GAIN.case, library="art"),
    baseline="original",
    variant="semi-backward",
    status="failed",
    seed=0,
    elapsed=0.1,
    reason="it fell <over>",
)


def run(
    *comparisons: ComparisonRecord,
    path: str = "x.jsonl",
    trainings: tuple[TrainingRecord, ...] = (),
    **environment: Any,
) -> Run:
    """A file of records as it is read, of an environment that differs from ours in some fields."""
    return Run(Path(path), replace(ENVIRONMENT, **environment), comparisons, own={LINE: trainings})


def write(path: Path, what: Any) -> Path:
    """Text as it is; records behind an environment, one of ours unless they bring theirs."""
    if isinstance(what, str):
        path.write_text(what)
        return path
    found = list(what)
    if not isinstance(found[0], Environment):
        found.insert(0, ENVIRONMENT)
    path.write_text("".join(map(reading.to_line, found)))
    return path


CASE = image_case("torchattacks", input_shape=(3, 112, 112))
COUNTS = Counts(
    calls={"autograd.grad": 5},
    computing=0,
    parameter_gradients=0,
    forward_calls=5,
    forward_images=20,
    backward_calls=5,
    backward_images=20,
    forward_flops=1000,
    backward_flops=1000,
    saved=5000,
    gradients=0,
    forward_kernels={"convolution": 20, "add": 10},
    backward_kernels={"convolution_backward": 20},
    views={"detach": 7},
    host={},
)
WASTEFUL = replace(
    COUNTS,
    calls={"backward": 5},
    computing=5,
    parameter_gradients=310,
    backward_flops=2000,
    gradients=4000,
    backward_kernels={"convolution_backward": 20, "add_": 300},
)


def counts(case: Case = CASE, original: Counts = COUNTS, **changes: Any) -> CountsRecord:
    record = CountsRecord(
        case.id,
        case,
        "original",
        "semi-backward",
        "ok",
        0,
        counts={"original": original, "semi-backward": COUNTS},
    )
    return replace(record, **changes)


def timed(case: Case = CASE, ratio: float = 1.5, **changes: Any) -> ComparisonRecord:
    """Five processes of ten blocks, one of which is a little slower than another.

    The original takes 1.5 s, and the variant what the ratio leaves.
    """
    noise = numpy.random.default_rng(0).standard_normal((2, 100)) * 0.003
    fast, slow = 1.5 / ratio * numpy.exp(noise[0]), 1.5 * numpy.exp(noise[1])
    record = ComparisonRecord(
        case_id=case.id,
        case=case,
        baseline="original",
        variant="semi-backward",
        status="ok",
        seed=0,
        elapsed=1.0,
        speedup=Speedup(ratio, ratio * 0.99, ratio * 1.01, 0.95, 5, 50, "t interval"),
        seconds={"original": slow.tolist(), "semi-backward": fast.tolist()},
        order=["ABBA"] * 50,
        processes=[number // 10 for number in range(50)],
        memory={"original": 2000, "semi-backward": 1000, "unit": "bytes", "what": "peak"},
        gradients={"call": "backward", "original": 62, "semi-backward": 0},
    )
    return replace(record, **changes)


TRAINING = training_case()
TRAINED = {
    "library_version": "2.13.0",
    "updates": 66,
    "images": 1437,
    "test_images": 360,
    "losses": [2.0, 1.0, 0.5],
    "seconds": [1.0, 1.0, 1.0],
    "clean_accuracy": 0.9,
    "robust_accuracy": 0.5,
    "evaluation": {"attack": "PGD-20", "eps": 0.1, "step_size": 0.01},
    "weights": "abc",
}
PASSES: dict[str, int | str] = {
    "parameters": 62,
    "call": "backward",
    "original": 62,
    "semi-backward": 62,
    "passes": 8,
    "passes original": 8,
    "passes semi-backward": 1,
}


def step(k: int = 7, **changes: Any) -> ComparisonRecord:
    """A step of 1.5 s, 1.0 s with the attack frozen."""
    case = changed(TRAINING, steps=k)
    theory = (3 * k + 3) / (2 * k + 3)
    record = replace(
        GAIN,
        case=case,
        case_id=case.id,
        gradients=PASSES,
        theory={"speedup": theory, "basis": "flops", "passes": theory},
    )
    return replace(record, **changes)


FREE = step(
    case=changed(TRAINING, training="free", attack="none", steps=None, replays=8),
    case_id="free",
    verdict="same",
    speedup=Speedup(1.001, 0.996, 1.004, 0.95, 1, 12, ""),
    gradients={**PASSES, "passes": 1, "passes original": 1},
    theory={"speedup": 1.0, "basis": "flops", "passes": 1.0},
)


def trained(variant: str, **changes: Any) -> TrainingRecord:
    made = {key: value for key, value in TRAINED.items() if key != "library_version"}
    asked = {"case_id": TRAINING.id, "case": TRAINING, "variant": variant, "seed": 0, "epochs": 3}
    record = TrainingRecord(status="ok", **asked, **made)  # type: ignore[arg-type]
    return replace(record, **changes)
