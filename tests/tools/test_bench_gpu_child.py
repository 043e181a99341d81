"""Programs under a time limit: ended in order, and none stays behind, whoever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.places import ROOT
from tools.bench_gpu import child

PATIENCE = 60.0


def wait_until(there: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.02)


def sleeper(file: Path, *how: str) -> list[str]:
    return ["tests.tools.sleeper", str(file), *how]


def test_what_ends_by_itself_is_not_cut() -> None:
    ended = child.run(["tools.bench_gpu.facts", "/nowhere/facts.txt"], PATIENCE, stderr=-3)
    assert ended == child.Ended(code=1)


def test_what_takes_longer_than_its_limit_is_cut(tmp_path: Path) -> None:
    ended = child.run(sleeper(tmp_path / "said"), 0.01, stderr=subprocess.DEVNULL)
    assert ended.cut
    assert not ended.killed


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.default_int_handler])
def test_it_is_ended_in_order_also_from_a_shells_background(
    tmp_path: Path, handler: object
) -> None:
    said = tmp_path / "said"
    before = signal.signal(signal.SIGINT, handler)  # type: ignore[arg-type]
    try:
        process = child.start(sleeper(said))
    finally:
        signal.signal(signal.SIGINT, before)
    wait_until(said.exists)
    assert not child.end(process, PATIENCE)
    assert said.read_text() == "ended in order"


def test_what_does_not_end_is_killed_with_what_it_started(tmp_path: Path) -> None:
    said = tmp_path / "said"
    process = child.start(sleeper(said, "stubborn"))
    wait_until(said.exists)
    other = psutil.Process(int(said.read_text()))
    assert child.end(process, 0.1)
    wait_until(lambda: not other.is_running() or other.status() == psutil.STATUS_ZOMBIE)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone tells a child")
def test_it_ends_in_order_when_we_are_killed(tmp_path: Path) -> None:
    said = tmp_path / "said"
    ours = f"from tools.bench_gpu import child; child.run({sleeper(said)!r}, 600)"
    parent = subprocess.Popen([sys.executable, "-c", ours], cwd=ROOT)
    wait_until(said.exists)
    (its,) = psutil.Process(parent.pid).children()
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    wait_until(lambda: said.read_text() == "ended in order")
    wait_until(lambda: not its.is_running() or its.status() == psutil.STATUS_ZOMBIE)
