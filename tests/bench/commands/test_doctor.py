"""`doctor`: what works here, and what freezing a model meets."""

from __future__ import annotations

import re

import pytest

from bench.commands.doctor import TEXT
from tests.bench.commands.conftest import Bench
from tests.commands import MODELS, bench


def test_doctor_tells_what_works() -> None:
    done = bench("doctor")
    assert done.returncode == 0, done.stdout
    for name in ("torch", "timm", "torchattacks", "cleverhans", "To measure"):
        assert name in done.stdout


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
