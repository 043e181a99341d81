"""The command `slurm`, up to what is handed in."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from bench.commands import codes
from bench.commands import slurm as command
from bench.running import session
from bench.slurm import submitting
from bench.slurm.array import Array, Resources
from tests.bench.commands.conftest import Bench

QUICK = ("slurm", "--suite", "quick", "--device", "cpu")


@pytest.fixture
def handed_in(monkeypatch: pytest.MonkeyPatch) -> list[Array]:
    """What is handed in, in place of which nothing is."""
    found: list[Array] = []

    def submit(array: Array) -> str:
        found.append(array)
        return "77"

    monkeypatch.setattr(submitting, "check", lambda: None)
    monkeypatch.setattr(submitting, "submit", submit)
    return found


def test_the_jobs_get_what_run_is_asked_as_it_is(
    bench_here: Bench, handed_in: list[Array], tmp_path: Path
) -> None:
    """Whatever of ours stands between, before and behind it."""
    asked = ("--libs", "foolbox", "art", "--attacks", "pgd", "--models=resnet18", "--device", "cpu")
    ours = ("--account", "lab", "--partition=gpus", "--mem", "16G", "--cpus-per-task", 4)
    done = bench_here(
        *("slurm", "--shards", 2, *asked[:3], *ours, *asked[3:], "--seed", 7, "--time=9"),
        *("--at-once", 1, "--folder", tmp_path),
    )
    assert done.returncode == codes.DONE, done.stderr
    (array,) = handed_in
    assert array.words == (*asked, "--seed", "7")
    assert (array.count, array.folder) == (2, tmp_path)
    assert array.resources == Resources(9, "lab", "gpus", None, 4, "16G", 1)
    said = " ".join(done.stdout.split())
    assert "Job 77: 2 shards, 1 at once, 9 minutes each." in said
    assert "squeue -j 77" in said
    assert done.stdout.replace("\\\n", "").split()[-2:] == ["report", str(tmp_path)]


def test_jobs_with_a_gpu_are_asked_to_use_it(bench_here: Bench, handed_in: list[Array]) -> None:
    """And the suite is the one that fits it; here there is none."""
    done = bench_here("slurm", "--shards", 2, "--gres", "gpu:1")
    assert done.returncode == codes.DONE, done.stderr
    (array,) = handed_in
    assert array.words == ("--device", "cuda")
    assert array.resources.gres == "gpu:1"
    assert array.folder.parent == Path("runs").absolute()


def test_the_time_is_estimated_and_told(bench_here: Bench, handed_in: list[Array]) -> None:
    for shards, comparisons in ((1, 6), (2, 3), (3, 2)):
        done = bench_here(*QUICK, "--shards", shards)
        said = " ".join(done.stderr.split())
        assert f": {comparisons} comparisons of at most" in said
        assert f"--time {handed_in[-1].resources.minutes}: " in said
    assert handed_in[0].resources.minutes > handed_in[2].resources.minutes
    done = bench_here(*QUICK, "--shards", 6, "--time", 5)
    assert "--time 5: as given" in done.stderr


def test_no_more_shards_are_made_than_there_are_cases(
    bench_here: Bench, handed_in: list[Array]
) -> None:
    done = bench_here(*QUICK, "--shards", 32)
    assert done.returncode == codes.DONE
    assert "6 cases: only so many shards are handed in" in done.stderr
    assert handed_in[0].count == 6


def test_a_script_is_shown_where_neither_slurm_nor_submitit_is(
    bench_here: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "submitit", None)
    folder = tmp_path / "out"
    done = bench_here(*QUICK, "--shards", 3, "--folder", folder, "--print")
    assert done.returncode == codes.DONE, done.stderr
    assert done.stdout.startswith("#!/bin/bash\n#SBATCH ")
    assert "--suite quick --device cpu --shard 3 --out" in done.stdout
    assert not folder.exists()


def test_a_folder_is_gone_on_with_in_the_same_cut_alone(
    bench_here: Bench, handed_in: list[Array], tmp_path: Path
) -> None:
    (tmp_path / "shard-2-of-3.jsonl").touch()
    assert bench_here(*QUICK, "--shards", 3, "--folder", tmp_path).returncode == codes.DONE
    done = bench_here(*QUICK, "--shards", 2, "--folder", tmp_path)
    assert done.returncode == codes.USAGE
    assert "has records of 3 shards, and these are 2" in done.stderr
    assert len(handed_in) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--shards"),
        (["--shards", "0"], "too small"),
        (["--shards", "5000"], "too many; give from 1 to 4096"),
        (["--shards", "2", "--account", "a b"], "is nothing that Slurm has a name for"),
        (["--shards", "2", "--gres", "gpu\n#SBATCH"], "is nothing that Slurm has a name for"),
        (["--shards", "2", "--libs", "fulbox"], "did you mean foolbox"),
        (["--shards", "2", "--suite", "absent"], "unknown suite"),
        (["--shards", "2", "--libs", "deeprobust", "--attacks", "square"], "square"),
        (["--shards", "2", "--out", "x.jsonl"], "unrecognized arguments"),
        (["--shards", "2", "--resume"], "unrecognized arguments"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(
    words: list[str], said: str, bench_here: Bench, handed_in: list[Array]
) -> None:
    done = bench_here("slurm", *words)
    assert done.returncode == codes.USAGE
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert handed_in == []


def test_the_words_of_run_are_what_is_left() -> None:
    program = ["python", "-m", "bench", "slurm"]
    assert command._for_run([*program, "--sha", "3", "--batch", "1", "2", "--print"]) == [
        *("--batch", "1", "2")
    ]
    assert command._for_run([*program, "--shards=3", "--mem=1G", "--memory=keep"]) == [
        "--memory=keep"
    ]


def test_a_shard_without_a_case_is_done_and_leaves_no_file(
    bench_here: Bench, tmp_path: Path
) -> None:
    out = tmp_path / "x.jsonl"
    words = ("--suite", "quick", "--device", "cpu", "--out", out)
    done = bench_here(*words, "--shard", "9/32")
    assert done.returncode == codes.DONE
    assert done.stderr.splitlines()[-1] == "bench: nothing to do in shard 9/32 of 6 cases"
    assert not out.exists()


def test_what_ends_a_job_ends_a_run_as_ctrl_c_does(
    bench_here: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object) -> NoReturn:
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("it goes on")

    monkeypatch.setattr(session, "opened", opened)
    before = signal.getsignal(signal.SIGTERM)
    try:
        done = bench_here("--suite", "quick")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert done.returncode == codes.INTERRUPTED
    assert "interrupted" in done.stderr
