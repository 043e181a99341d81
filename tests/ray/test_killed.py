"""Slots of this machine whose processes are killed at random."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests import tiny
from tests.places import ROOT
from tests.ray.conftest import CASES, SECONDS_BETWEEN_KILLS

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]
MARK = "SEMIBACKWARD_BENCH_TEST"
"""A variable by which the processes of a run are known, whoever their parent is by now."""


def test_processes_that_are_killed_cost_no_record(tmp_path: Path) -> None:
    out, said = tmp_path / "out.jsonl", tmp_path / "said.txt"
    suite = tiny.suite(tmp_path, CASES)
    words = ["--suite", str(suite), "--slots", "2", "--retries", "5", "--out", str(out)]
    mark = f"{os.getpid()}-{time.monotonic()}"
    with said.open("w", encoding="utf-8") as file:
        run = subprocess.Popen(
            [sys.executable, "-m", "bench", *words],
            cwd=tmp_path,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT), MARK: mark},
        )
    chance, kills, last = random.Random(0), 0, None
    while run.poll() is None:
        time.sleep(0.2)
        if last is None and out.exists() and tiny.records(out):
            last = time.monotonic()
        if last is not None and time.monotonic() - last >= SECONDS_BETWEEN_KILLS:
            others = [process for process in marked(mark) if process.pid != run.pid]
            chance.choice(others).kill()
            kills, last = kills + 1, time.monotonic()
    assert run.returncode == 0, said.read_text(encoding="utf-8")
    found = tiny.records(out)
    assert kills >= 1
    assert len({case for case, _ in found}) == CASES, "none is lost"
    assert set(found.values()) == {1}, "none is there twice"
    assert {status for _, status in found} == {"ok"}
    assert not marked(mark), "no process is left"


def marked(mark: str) -> list[psutil.Process]:
    """The processes of a run that are alive."""
    found = []
    for process in psutil.process_iter():
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and process.environ().get(MARK) == mark:
                found.append(process)
        except psutil.Error:
            continue  # it has ended, or is none of ours
    return found
