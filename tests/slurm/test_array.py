"""Job arrays on a real Slurm: killed, put into the queue again, out of time; nothing is lost."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import psutil
import pytest

from bench.kinds import registry
from bench.records import reading
from bench.records.types import ComparisonRecord
from tests.slurm.conftest import Slurm
from tools.slurm_here import HERE

pytestmark = pytest.mark.slurm

SUITE = """
[run]
precision = 1e-9  # never narrow enough
max_seconds = {seconds}
processes = 1

[[cases]]
kind = "toy"
libs = ["toys"]
attacks = ["slope"]
models = ["two layers"]
batch = [4, 8]
width = [{widths}]
"""


@pytest.fixture(autouse=True)
def _toys(slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records of toys are read in this process too."""
    monkeypatch.syspath_prepend(str(slurm.folder))
    monkeypatch.setattr(registry, "third_parties", lambda: {"toy": "toy_kind:Toy"})


AFRESH = ("--workers", "afresh")
"""Sooner there than one that forks, for a few cases."""


def suite(slurm: Slurm, seconds: float, *widths: int) -> Path:
    path = slurm.folder / "toys.toml"
    path.write_text(SUITE.format(seconds=seconds, widths=", ".join(map(str, widths))))
    return path


def begun(folder: Path, number: int, count: int) -> bool:
    """Whether a shard has measured something."""
    path = folder / f"shard-{number}-of-{count}.jsonl"
    return path.exists() and path.read_bytes().count(b"\n") > 1


def lines(path: Path) -> Iterable[ComparisonRecord]:
    """Every comparison in a file, also where another one follows that stands in its place."""
    found = reading.Records(path, [path.read_bytes()])
    return [record for record in found if isinstance(record, ComparisonRecord)]


def check(folder: Path, count: int, cases: int) -> None:
    """All was measured, each once, by one shard; and no process is left behind."""
    records = [
        r for n in range(1, count + 1) for r in lines(folder / f"shard-{n}-of-{count}.jsonl")
    ]
    ok = Counter(record.key for record in records if record.status == "ok")
    assert len(ok) == cases
    assert set(ok.values()) == {1}
    assert left_behind(folder) == []


def left_behind(folder: Path) -> list[str]:
    """Programs that jobs started which were handed in above this folder, and that live."""
    here = os.environ[HERE]
    found = []
    for process in psutil.process_iter():
        try:
            variables = process.environ()
            words = process.cmdline()
        except psutil.Error:
            continue
        above = variables.get("SLURM_SUBMIT_DIR")
        if variables.get(HERE) == here and above is not None and folder.is_relative_to(above):
            found.append(" ".join(words))
    return found


def test_an_array_that_is_killed_requeued_and_told_to_end_measures_everything_once(
    slurm: Slurm,
) -> None:
    folder = slurm.folder / "out"
    words = ["slurm", "--suite", suite(slurm, 3, 32, 64, 96), "--shards", 3, "--folder", folder]
    said = slurm.bench(*words, *AFRESH, "--time", 30, "--at-once", 2)
    job = said.partition("Job ")[2].partition(":")[0]
    assert "3 shards, 2 at once, 30 minutes each" in " ".join(said.split())

    slurm.until(lambda: begun(folder, 1, 3), "the first shard begins")
    slurm("scancel", "--signal=KILL", f"{job}_0")  # its step; nobody is asked
    slurm.until(lambda: "0" not in slurm.states(job), "its job ends")
    slurm("scontrol", "requeue", f"{job}_0")

    slurm.until(lambda: begun(folder, 2, 3), "the second shard begins")
    slurm("scontrol", "requeue", f"{job}_1")

    slurm.until(lambda: begun(folder, 3, 3), "the third shard begins")
    slurm("scancel", "--signal=USR2", f"{job}_2")  # as Slurm does when its time is up

    slurm.until(lambda: not slurm.states(job), "all jobs end")
    assert "Requeued job" in slurm.said()
    check(folder, 3, cases=6)
    assert "toys" in slurm.bench("report", folder)


def test_a_job_whose_time_is_up_goes_on_in_the_next(slurm: Slurm) -> None:
    """Slurm tells it a quarter of a minute or more before, and it needs longer than until then; how
    long it needs on a busy machine nobody knows, so the next has time enough."""
    folder = slurm.folder / "out"
    words = ["slurm", "--suite", suite(slurm, 8, 8, 16, 24), "--shards", 1, "--folder", folder]
    said = slurm.bench(*words, *AFRESH, "--time", 1)
    job = said.partition("Job ")[2].partition(":")[0]
    slurm.until(lambda: "Requeued job" in slurm.said(), "the time is up")
    slurm("scontrol", "update", f"JobId={job}", "TimeLimit=30")
    slurm.until(lambda: not slurm("squeue", "--noheader", "--jobs", job).strip(), "the job ends")
    assert slurm.said().count("Requeued job") == 1
    check(folder, 1, cases=6)


def test_the_script_that_is_shown_does_the_same(slurm: Slurm) -> None:
    folder = slurm.folder / "out of here"
    words = ["slurm", "--suite", suite(slurm, 3, 32, 64), "--shards", 2, "--folder", folder]
    said = slurm.bench(*words, *AFRESH, "--cpus-per-task", 2, "--time", 30, "--print")
    script = slurm.folder / "script.sh"
    script.write_text(said[said.index("#!/bin/bash") :])
    job = slurm("sbatch", "--parsable", script).strip()
    slurm.until(lambda: begun(folder, 2, 2), "the second shard begins")
    slurm("scancel", "--batch", "--signal=USR2", f"{job}_2")
    slurm.until(lambda: not slurm.states(job), "all jobs end")
    check(folder, 2, cases=4)
    logs = [path.read_text() for path in slurm.folder.glob("*.log")]
    assert any("DUE TO JOB REQUEUE" in log for log in logs)


def test_what_slurm_refuses_is_told_in_a_line(slurm: Slurm) -> None:
    words = ["slurm", "--suite", suite(slurm, 1, 32), "--shards", 2, "--partition", "nowhere"]
    said = slurm.bench(*words, code=2)
    (line,) = [line for line in said.splitlines() if line.startswith("bench: ")]
    assert "Slurm refuses the jobs" in line
    assert "nvalid partition" in line


def test_a_command_inside_an_allocation_has_its_gpus(slurm: Slurm) -> None:
    """What steps are handed out on, one for each GPU."""
    said = slurm.allocated(
        *("srun", "--exact", "--ntasks=1", "--gpus-per-task=1", "printenv", "CUDA_VISIBLE_DEVICES"),
        asking=["--ntasks=2", "--gpus=2"],
    )
    assert said.split() == ["0"]
