"""Handing in by submitit, to commands that play Slurm's."""

from __future__ import annotations

import os
import pickle
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.slurm import submitting
from bench.slurm.array import Array, Resources
from semibackward_bench.shard_job import ShardJob

RESOURCES = Resources(42, "lab", "gpus", "gpu:1", 4, "16G", 3)


def slurm(folder: Path, monkeypatch: pytest.MonkeyPatch, sbatch: str) -> None:
    """Put commands that play Slurm's onto the path, and nothing else."""
    place = folder / "bin"
    place.mkdir()
    for name, text in (("sbatch", sbatch), ("srun", "exit 1")):
        (place / name).write_text(f"#!/bin/sh\n{text}\n")
        (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}/usr/bin{os.pathsep}/bin")


def array(folder: Path, count: int) -> Array:
    return Array(("--libs", "foolbox"), count, folder / "out", RESOURCES)


def test_an_array_is_handed_in_with_a_job_for_each_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm(tmp_path, monkeypatch, 'echo "Submitted batch job 77"')
    submitting.check()
    assert submitting.submit(array(tmp_path, 4)) == "77"
    logs = tmp_path / "out" / "logs"
    text = (logs / "77_submission.sh").read_text()
    for asked in (
        *("array=0-3%3", "time=42", "account=lab", "partition=gpus", "gres=gpu:1", "mem=16G"),
        *("cpus-per-task=4", "requeue", "signal=USR2@90", "open-mode=append"),
    ):
        assert f"#SBATCH --{asked}\n" in text
    assert "--cpus-per-task=4 " in text.partition("srun ")[2]
    for number in range(4):
        with (logs / f"77_{number}_submitted.pkl").open("rb") as file:
            handed = pickle.load(file)  # as submitit wrote it
        assert isinstance(handed.function, ShardJob)
        assert handed.args == (number + 1,)


def test_a_single_shard_is_a_single_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slurm(tmp_path, monkeypatch, 'echo "Submitted batch job 77"')
    assert submitting.submit(replace(array(tmp_path, 1), resources=Resources(5))) == "77"
    text = (tmp_path / "out" / "logs" / "77_submission.sh").read_text()
    assert "--array" not in text
    assert "--cpus-per-task" not in text


def test_what_slurm_refuses_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    slurm(tmp_path, monkeypatch, 'echo "sbatch: error: invalid account" >&2; exit 1')
    with pytest.raises(UsageError, match=r"Slurm refuses the jobs: .*invalid account") as raised:
        submitting.submit(array(tmp_path, 4))
    assert "\n" not in str(raised.value)
    assert capfd.readouterr().err == ""
    assert not (tmp_path / "out").exists(), "what was made for it"


def test_where_slurm_is_not_here_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"there is no sbatch here.*--print"):
        submitting.check()


def test_where_submitit_is_not_here_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UsageError, match=r"semibackward-bench\[slurm\]"):
        submitting.check()
