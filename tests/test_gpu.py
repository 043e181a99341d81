"""What only a CUDA GPU can show; `make test-gpu`.

The most telling tests come first, and every attack last: a session there has a deadline.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from adapters import registry
from bench import cli
from bench.cases import Case, Comparison
from bench.kinds.images import building as image_building
from bench.kinds.text import building as text_building
from bench.kinds.text.findings import TextFindings
from bench.kinds.training import building as training_building
from bench.kinds.training.learning import Learning
from bench.records import reading
from bench.running.batch_search import BatchSearch
from bench.running.pool import WorkerPool
from bench.statistics import diagnosis
from bench.worker import checks, device_use, environment, memory, nvml, state
from bench.worker.serve import Worker
from bench.worker.timer import CudaTimer
from semibackward import semi_backward
from tests.adapters.asked import WORKING, case
from tests.cases import changed, image_case, small_training, text_case
from tests.places import ATTACKS

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here"),
]
DEVICE = "cuda:0"


def comparison(library: str, attack: str = "pgd", batch: int = 4) -> Comparison:
    case = image_case(library, attack, batch=batch, input_shape=(3, 64, 64), steps=3, device=DEVICE)
    return Comparison(case, "semi-backward")


def test_the_timer_waits_for_the_device() -> None:
    timer = CudaTimer(torch.cuda, DEVICE)
    matrix = torch.rand(8192, 8192, device=DEVICE)

    def multiply() -> None:
        for _ in range(20):
            torch.mm(matrix, matrix)

    multiply()
    sample = timer.time(multiply)
    assert sample.host_seconds is not None
    assert sample.host_seconds < 0.5 * sample.seconds, "the call returns before the device is done"
    nothing = timer.time(lambda: None)
    assert nothing.seconds < 0.1 * sample.seconds, "nothing from before is timed"


def test_the_environment_names_the_gpu() -> None:
    found = environment.accelerator(DEVICE)
    assert found["name"] == torch.cuda.get_device_name(0)
    assert environment.devices()[0] == DEVICE


PGD = [
    *((name, "pgd") for name in registry.OURS if "pgd" in registry.get(name).attacks()),
    *(("reference", attack) for attack in registry.get("reference").attacks()),
]


@pytest.mark.parametrize(("library", "attack"), PGD)
def test_variants_agree_on_the_gpu(library: str, attack: str) -> None:
    built = image_building.build(comparison(library, attack), seed=0)
    state.settle()
    found = checks.check(built)
    assert found.unequal is None
    assert found.equality.level in ("identical", "rounding")
    info = registry.get(library).attacks()[attack]
    assert found.gradients is not None
    assert found.gradients["call"] == info.gradient_call
    assert found.gradients["semi-backward"] == 0
    assert found.memory is not None
    assert int(found.memory["original"]) >= int(found.memory["semi-backward"])
    assert found.theory is not None


def test_peak_memory_counts_what_was_allocated() -> None:
    before = torch.cuda.memory_allocated(DEVICE)
    found = memory.peak(lambda: torch.empty(2**20, device=DEVICE, dtype=torch.uint8), DEVICE)
    assert found is not None
    assert (found.before, found.allocated) == (before, before + 2**20)
    assert found.reserved is not None
    assert found.reserved >= found.allocated


def test_out_of_memory_is_a_status() -> None:
    file = ATTACKS
    asked = asdict(comparison("user", f"{file}:too_large"))
    answer = Worker().answer({"do": "prepare", "comparison": asked, "seed": 0})
    assert (answer["ok"], answer["status"]) == (False, "out-of-memory")
    assert "CUDA" in answer["reason"]


def test_a_run_on_the_gpu(tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    words = ["--libs", "torchattacks", "foolbox", "--models", "resnet18", "--image-size", "64"]
    code = cli.main(
        [*words, "--batch", "4", "--steps", "3", "--max-seconds", "2", "--out", str(out)]
    )
    assert code == 0
    found = reading.read(out)
    assert found.environment.device == DEVICE
    for record in found.comparisons:
        assert record.timer == "CUDA events"
        assert record.host_seconds is not None
        assert len(record.host_seconds["original"]) == len(record.seconds["original"])
        assert record.diagnosis is not None
        assert record.diagnosis.bound in ("launch-bound", "synchronisation-bound", "compute-bound")
        assert record.gpu is not None
        assert len(record.gpu) == len(record.order)


def test_nvml_watches_this_gpu() -> None:
    watch, said = nvml.watch(DEVICE)
    assert said is None
    assert watch is not None
    state = watch.state()
    assert state.sm_mhz is not None
    assert state.sm_mhz > 0
    assert state.celsius is not None
    assert 0 < state.celsius < 120


LODGER = f"""
import os, sys, torch
if os.fork():
    os._exit(0)
os.setsid()
kept = torch.zeros(1, device="{DEVICE}")
print("there", flush=True)
sys.stdin.read()
"""
"""Leaves its parent and its session, so that nobody can take it for ours."""


def test_another_process_on_this_gpu_is_a_stranger() -> None:
    kept = torch.zeros(1, device=DEVICE)
    watch, _ = nvml.watch(DEVICE)
    assert watch is not None
    before = watch.strangers()
    with subprocess.Popen(
        [sys.executable, "-c", LODGER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as lodger:
        assert lodger.stdout is not None
        assert lodger.stdout.readline() == "there\n"
        beside = watch.strangers()
    assert kept.is_cuda
    if before is None:
        assert watch.unseen, "who is not seen is told of"
    else:
        assert beside is not None
        assert beside.count == before.count + 1


def large_products(count: int) -> None:
    matrix = torch.rand(8192, 8192, device=DEVICE)
    for _ in range(count):
        torch.mm(matrix, matrix)


def small_sums(wait: bool) -> None:
    vector = torch.rand(16, device=DEVICE)
    for _ in range(2000):
        vector = vector + 1
        if wait:
            vector.sum().item()


@pytest.mark.parametrize(
    ("run", "label"),
    [
        (lambda: large_products(20), "compute-bound"),
        (lambda: small_sums(wait=False), "launch-bound"),
        (lambda: small_sums(wait=True), "synchronisation-bound"),
    ],
    ids=["large products", "small sums", "small sums, each read"],
)
def test_what_limits_a_run_is_told(run: Callable[[], None], label: str) -> None:
    run()
    use = device_use.profiled(run, DEVICE)
    assert use is not None
    sample = CudaTimer(torch.cuda, DEVICE).time(run)
    assert sample.host_seconds is not None
    assert diagnosis.bound(sample.seconds, sample.host_seconds, use) == label


def test_dissecting_on_the_gpu() -> None:
    found = checks.check(image_building.build(comparison("foolbox"), seed=0), explain=True).anatomy
    assert found is not None
    for part in found.parts.values():
        assert part.seconds is not None
        assert 0 < (part.forward or 0) < part.seconds
        assert 0 < (part.backward or 0) < part.seconds
        assert part.backward_flops
    assert found.computing == 3


def training(method: str, library: str = "reference", attack: str = "pgd-backward") -> Case:
    return changed(small_training(method, library, attack), device=DEVICE)


@pytest.mark.parametrize(
    "asked",
    [
        training("natural"),
        training("pgd", "deeprobust", "pgd"),
        training("pgd", "torchattacks", "pgd"),
        training("trades"),
        training("mart", "foolbox", "pgd"),
        training("fast", "art", "pgd"),
        training("free"),
    ],
    ids=lambda asked: asked.what,
)
def test_a_training_step_gives_the_same_weights_on_the_gpu(asked: Case) -> None:
    found = checks.check(training_building.build(Comparison(asked, "semi-backward"), seed=0))
    assert found.equality.equal, found.unequal


def test_a_training_on_the_gpu_repeats_itself_and_the_trick_changes_its_weights_by_rounding_at_most(
    tmp_path: Path,
) -> None:
    asked = changed(training("pgd", "deeprobust", "pgd"), batch=64)
    digests = []
    for number, variant in enumerate(("original", "original", "semi-backward")):
        learning = Learning(asked, variant, 0, 1, tmp_path / f"{number}.safetensors")
        learning.epoch()
        digests.append(learning.result()["weights"])
    original, again, frozen = digests
    assert original == again
    step = checks.gate(training_building.build(Comparison(asked, "semi-backward"), seed=0))
    assert frozen == original or step.equality.level == "rounding"


def test_recurrent_layers_can_be_attacked_in_evaluation_mode() -> None:
    """cuDNN differentiates them in training mode alone."""
    torch.manual_seed(0)
    layer = torch.nn.LSTM(8, 8, num_layers=2, dropout=0.5).to(DEVICE).eval()
    inputs = torch.rand(4, 2, 8, device=DEVICE, requires_grad=True)
    with torch.no_grad():
        expected, _ = layer(inputs)
    with semi_backward(layer, evaluating=True):
        output, _ = layer(inputs)
        output.sum().backward()
    assert torch.allclose(output, expected, atol=1e-6)
    assert inputs.grad is not None
    assert not layer.training
    assert layer.dropout == 0.5


@pytest.mark.parametrize("attack", ["textfooler", "bertattack", "fd"])
@pytest.mark.parametrize("variant", ["semi-backward", "forward-only"])
def test_attacks_on_text_run_on_the_gpu_and_their_variants_agree(attack: str, variant: str) -> None:
    pytest.importorskip("OpenAttack", reason="the extra text is not installed")
    asked = text_case(attack=attack, device=DEVICE, queries=20)
    built = text_building.build(Comparison(asked, variant), seed=0)
    state.settle()
    found = checks.check(built)
    assert found.unequal is None
    assert next(built.model.parameters()).is_cuda
    assert isinstance(found.findings, TextFindings)
    assert all(sentence.passes["original"] > 0 for sentence in found.findings.attacked)


def test_the_largest_batch_under_a_limit() -> None:
    pool = WorkerPool()
    try:
        found = BatchSearch(2 * 10**9, 300.0).run(comparison("foolbox"), pool, 0)
    finally:
        pool.replace()
    assert found.failed["original"] is not None
    assert found.largest["semi-backward"] >= found.largest["original"] > 4


SLOWEST = "brendel-bethge"
"""How the names of those attacks begin that take longest."""
REST = sorted(
    (pair for pair in WORKING if pair not in PGD), key=lambda pair: pair[1].startswith(SLOWEST)
)


@pytest.mark.parametrize("pair", REST, ids=" ".join)
def test_every_attack_runs_on_the_gpu_and_its_variants_agree(pair: tuple[str, str]) -> None:
    asked = changed(case(*pair), device=DEVICE)
    built = image_building.build(Comparison(asked, "semi-backward"), seed=0)
    state.settle()
    assert checks.gate(built).unequal is None
