"""`doctor`: what works here, and what freezing a model meets."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bench.commands import machine_doctor
from bench.commands.doctor import TEXT
from bench.running.pool import WorkerPool
from tests.bench.commands.conftest import Bench
from tests.commands import MODELS, bench
from tests.workers import ScriptedWorker


def test_doctor_tells_what_works() -> None:
    done = bench("doctor")
    assert done.returncode == 0, done.stdout
    for name in ("torch", "timm", "torchattacks", "cleverhans", "To measure"):
        assert name in done.stdout


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"strangers": {"count": 0, "names": []}, "unseen": []}, "ok .* nobody else uses it$"),
        (
            {"strangers": {"count": 1, "names": ["python"]}, "unseen": []},
            r"-- .* 1 other process uses it \(python\); stop it, or take another GPU \(--device\)$",
        ),
        (
            {"strangers": {"count": 2, "names": []}, "unseen": ["counted"]},
            "-- .* 2 other processes use it; stop them, or take another GPU",
        ),
        ({"strangers": {"count": 0, "names": []}, "unseen": ["hidden"]}, "ok .*it; hidden$"),
        ({"strangers": None, "unseen": ["unlisted"]}, "-- .* unlisted$"),
        ({"ok": False, "reason": "CUDA is broken"}, "-- .* CUDA is broken$"),
    ],
)
def test_doctor_tells_who_uses_a_gpu(
    told: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnAGpu(ScriptedWorker):
        def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
            assert request == {"do": "strangers", "device": "cuda:1"}
            return {"ok": True, **told}

    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    (line,) = machine_doctor._users(WorkerPool(lambda *_: OnAGpu()), ["cuda:1"])
    assert re.match(said, line), line
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert list(machine_doctor._users(WorkerPool(), ["cuda:1"])) == []


FREEZE, MEND = "To freeze it", "Mend what is marked !!"


@pytest.mark.parametrize(
    ("spec", "shape", "code", "said"),
    [
        (
            "test_resnet",
            "3x32x32",
            0,
            ["ok  gradients .* 0 when frozen", "ok  pert.* bit for bit", FREEZE],
        ),
        (f"{MODELS}:for_images", "3x32x32", 0, ["images of 3×32×32", "--  batch norm", FREEZE]),
        (
            "tests.data.models:trained",
            "3x32x32",
            0,
            ["--  lazy +2 parameters had no shape until", FREEZE],
        ),
        (f"{MODELS}:Gray", None, 0, ["images of 1×28×28", "bit for bit", FREEZE]),
        (
            f"{MODELS}:in_parallel",
            "3x9x9",
            0,
            ["--  looked into +model.module", "ok  pert", FREEZE],
        ),
        (f"{MODELS}:frozen", "3x9x9", 5, ["!!  parameters +none of .*nothing to freeze"]),
        (f"{MODELS}:for_text", "3x9x9", 5, [r"!!  dry run .*examine\(model, ids\)"]),
        (f"{MODELS}:for_small_images", None, 5, ["!!  dry run .*fails .*--input 1x28x28"]),
        (f"{MODELS}:ThroughNumpy", "3x9x9", 5, [r"!!  dry run .*numpy\(\).* instead\.$"]),
        (f"{MODELS}:Cut", "3x9x9", 5, ["!!  perturbation +no input .* frozen or not"]),
        (
            f"{MODELS}:Ensemble",
            "3x9x9",
            5,
            [r"!!  unregistered +its list `models` .*, \*model"],
        ),
        (f"{MODELS}:KeepsATensor", "3x9x9", 5, ["!!  tensors +doubled: "]),
        (f"{MODELS}:falls_over", None, 5, ["not tried$", "!!  model +.*models.py, line"]),
    ],
)
def test_doctor_examines_a_model(
    bench_here: Bench, spec: str, shape: str | None, code: int, said: list[str]
) -> None:
    done = bench_here("doctor", "--model", spec, *(("--input", shape) if shape else ()))
    assert done.returncode == code, done.stderr
    assert done.stderr == ""
    assert "chatter" not in done.stdout
    assert (MEND in done.stdout, FREEZE in done.stdout) == (code == 5, FREEZE in said)
    assert max(map(len, done.stdout.splitlines())) <= 80
    whole = re.sub(rf"\n {{{TEXT}}}(?=\S)", " ", done.stdout)
    for line in said:
        assert re.search(line, whole, re.MULTILINE), line
