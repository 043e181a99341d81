"""The script for whoever hands jobs in by hand."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from bench.slurm import script
from bench.slurm.array import Array, Resources

ARRAY = Array(("--suite", "my suite.toml"), 8, Path("/data/my runs"), Resources(minutes=42))
FULL = Resources(42, "lab", "gpus", "gpu:a100:1", 4, "16G", 3)


def directives(array: Array) -> list[str]:
    lines = script.text(array).splitlines()
    assert lines[0] == "#!/bin/bash"
    return [line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH ")]


def test_it_asks_for_what_was_given_and_nothing_else() -> None:
    assert "--array=1-8" in directives(ARRAY)
    assert "--time=42" in directives(ARRAY)
    assert "--requeue" in directives(ARRAY)
    assert not [d for d in directives(ARRAY) if d.startswith(("--account", "--gres", "--mem"))]
    assert {
        "--array=1-8%3",
        "--account=lab",
        "--partition=gpus",
        "--gres=gpu:a100:1",
        "--cpus-per-task=4",
        "--mem=16G",
    } <= set(directives(replace(ARRAY, resources=FULL)))


def test_a_short_job_is_told_of_its_end_later() -> None:
    """Slurm is up to half a minute early, and what comes before a job has begun would end it."""
    for minutes, seconds in ((1, 15), (2, 30), (6, 90), (600, 90)):
        short = replace(ARRAY, resources=Resources(minutes))
        assert f"--signal=B:USR2@{seconds}" in directives(short)


def played(tmp_path: Path, srun: str, **environment: str) -> tuple[int, str]:
    """What becomes of the script where srun is another: its exit code, and what was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("srun", srun), ("scontrol", 'echo "scontrol $*" >> "$TOLD"')):
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
    told = tmp_path / "told"
    told.touch()
    path = f"{folder}:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", "-c", script.text(replace(ARRAY, resources=FULL))],
        env={"PATH": path, "TOLD": str(told), "SLURM_ARRAY_TASK_ID": "5", **environment},
        check=False,
        timeout=60,
    )
    return done.returncode, told.read_text()


def test_its_shell_runs_the_shard_of_its_task(tmp_path: Path) -> None:
    code, told = played(tmp_path, 'printf "%s\\n" "$@" > "$TOLD"; exit 5')
    assert code == 5, "what the run ends with, the job does"
    assert told.splitlines() == [
        "--cpus-per-task=4",
        sys.executable,
        *("-m", "semibackward_bench", "run", "--suite", "my suite.toml", "--shard", "8"),
        *("--out", "/data/my runs/shard-5-of-8.jsonl", "--resume"),
    ]


WARNED = 'kill -USR2 $PPID; echo run >> "$TOLD"; exit 0'


def test_told_that_its_time_is_up_it_goes_into_the_queue_again(tmp_path: Path) -> None:
    _, told = played(tmp_path, WARNED, SLURM_JOB_ID="77")
    assert sorted(told.splitlines()) == ["run", "scontrol requeue 77"]


def test_but_not_for_ever(tmp_path: Path) -> None:
    _, told = played(tmp_path, WARNED, SLURM_JOB_ID="77", SLURM_RESTART_COUNT="3")
    assert told.splitlines() == ["run"]
