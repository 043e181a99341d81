"""Slots that are steps of an allocation on a real Slurm; one is killed in the middle."""

from __future__ import annotations

import re
import subprocess
import sys

import psutil
import pytest

from tests import tiny
from tests.slurm.conftest import Slurm

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(600)]
ASKING = ("--quiet", "--ntasks=2", "--gpus=2")
ENGINE = ("--engine", "slurm", "--device", "cpu")


def test_each_gpu_of_the_allocation_is_a_slot_and_no_more(slurm: Slurm) -> None:
    suite, out = tiny.suite(slurm.folder, 8), slurm.folder / "out.jsonl"
    words = (sys.executable, "-m", "bench", "--suite", suite, "--out", out, *ENGINE)
    slurm.allocated(*words, asking=ASKING[1:])
    assert set(tiny.records(out).values()) == {1}
    assert len(tiny.records(out)) == 8
    (environment, *_) = tiny.lines(out)
    assert [slot["engine"] for slot in environment["slots"]] == ["slurm", "slurm"]
    assert [slot["slot"]["others"] for slot in environment["slots"]] == [1, 1]
    assert len(tiny.slots(out)) == 2, "both measured"
    said = slurm.allocated(*words, "--slots", 3, "--resume", asking=ASKING[1:], code=2)
    assert "--slots 3: the allocation has 2 GPUs" in " ".join(said.split())


def test_a_step_that_is_killed_costs_no_record(slurm: Slurm) -> None:
    cases, out = 60, slurm.folder / "out.jsonl"
    suite = tiny.suite(slurm.folder, cases)
    words = [sys.executable, "-m", "bench", "--suite", suite, "--out", out, *ENGINE]
    with (slurm.folder / "said.out").open("w", encoding="utf-8") as said:
        run = subprocess.Popen(
            list(map(str, ["salloc", "--job-name=tiny", *ASKING, *words])),
            cwd=slurm.folder,
            env=slurm.environment,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    slurm.until(lambda: out.exists() and len(tiny.records(out)) > 4, "no record")
    job = re.findall(r"^(\d+) tiny$", slurm("squeue", "--noheader", "--format=%i %j"), re.M)
    told = slurm("squeue", "--steps", "--noheader", "--format=%i ")
    steps = re.findall(rf"^({job[0]}\.\d+) ", told, re.M)
    assert len(steps) == 2, steps
    slurm("scancel", "--signal=KILL", steps[0])
    assert run.wait(280) == 0, slurm.said()
    assert len(tiny.records(out)) == cases, "none is lost"
    assert set(tiny.records(out).values()) == {1}, "none is there twice"
    assert {status for _, status in tiny.records(out)} == {"ok"}
    assert any(line.get("tries", 1) > 1 for line in tiny.lines(out)), "one was begun again"
    left = [p for p in psutil.process_iter(["cmdline"]) if "bench.running.keeping" in str(p.info)]
    assert not left
