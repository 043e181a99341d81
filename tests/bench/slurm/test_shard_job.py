"""What a job of an array does, with a program that plays ours."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from pathlib import Path

import psutil
import pytest

from semibackward_bench import shard_job
from semibackward_bench.shard_job import ShardJob, Stopped

READY = "print('ready', file=open(sys.argv[1], 'w'), flush=True);"
UNTIL_TOLD = f"""import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
{READY}
time.sleep(600)"""
"""As our program ends when it is told to."""
DEAF = f"""import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
{READY}
time.sleep(600)"""


class Playing(ShardJob):
    """Runs some Python in place of our program."""

    def __init__(self, code: str, folder: Path) -> None:
        super().__init__([], 4, folder)
        self.code = code

    def command(self, number: int) -> list[str]:
        return [sys.executable, "-c", self.code, str(Path(self.folder, f"ready-{number}"))]


def when_ready(folder: Path, number: int) -> None:
    """Send us a signal once the program runs, as Slurm would when time is up."""

    def wait() -> None:
        path = folder / "ready-1"
        while not (path.exists() and path.read_text()):
            event.wait(0.02)
        os.kill(os.getpid(), number)

    event = threading.Event()
    threading.Thread(target=wait, daemon=True).start()


def test_it_runs_its_shard_and_goes_on_with_what_is_there(tmp_path: Path) -> None:
    job = ShardJob(["--suite", "quick"], 4, tmp_path)
    assert job.command(3) == [
        *(sys.executable, "-m", "semibackward_bench", "run", "--suite", "quick"),
        *("--shard", "3/4", "--out", str(tmp_path / "shard-3-of-4.jsonl"), "--resume"),
    ]
    handed = pickle.loads(pickle.dumps(job))
    assert handed.command(3) == job.command(3)


@pytest.mark.parametrize("code", [0, 5])
def test_a_run_that_comes_to_its_end_ends_the_job_well(code: int, tmp_path: Path) -> None:
    assert Playing(f"raise SystemExit({code})", tmp_path)(1) == code


@pytest.mark.parametrize("code", [1, 2, 4, 70, 130])
def test_one_that_does_not_fails_the_job_and_its_code_is_told(code: int, tmp_path: Path) -> None:
    with pytest.raises(Stopped, match=f"shard 1/4 ended with exit code {code}"):
        Playing(f"raise SystemExit({code})", tmp_path)(1)


@pytest.mark.parametrize(("program", "code"), [(UNTIL_TOLD, 130), (DEAF, -signal.SIGKILL)])
def test_before_it_is_put_into_the_queue_again_its_run_has_ended(
    program: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal comes while the job waits for its run, as submitit has it."""
    monkeypatch.setattr(shard_job, "PATIENCE", 30.0 if code == 130 else 0.3)
    job = Playing(program, tmp_path)
    delayed = []

    def announced(*_: object) -> None:
        delayed.append(job.checkpoint(1))

    before = signal.signal(signal.SIGUSR2, announced)
    try:
        when_ready(tmp_path, signal.SIGUSR2)
        with pytest.raises(Stopped, match=f"exit code {code}"):
            job(1)
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert psutil.Process().children() == []
    (again,) = delayed
    assert (again.function, again.args) == (job, (1,))


def test_the_run_does_not_heed_what_slurm_tells_all_its_processes(tmp_path: Path) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGUSR2); raise SystemExit(5)"
    assert Playing(code, tmp_path)(1) == 5


def test_whatever_ends_the_job_ends_its_run(tmp_path: Path) -> None:
    job = Playing(UNTIL_TOLD, tmp_path)

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, leave)
    try:
        when_ready(tmp_path, signal.SIGUSR1)
        with pytest.raises(KeyboardInterrupt):
            job(1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    running = [c for c in psutil.Process().children() if c.status() != psutil.STATUS_ZOMBIE]
    assert running == []
