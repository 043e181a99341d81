"""Worker processes that answer late, can't start, or are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.running.process import WorkerDied, WorkerProcess, WorkerTimeout, spawn


def test_a_worker_that_does_not_answer_in_time_is_ended() -> None:
    worker = WorkerProcess()
    with pytest.raises(WorkerTimeout):
        worker.ask({"do": "load", "library": "art"}, timeout=0.0)
    assert worker._process.poll() is not None


@pytest.mark.parametrize("child", ["", "sleep 60 &"], ids=["alone", "a child holds its pipe"])
def test_a_worker_that_can_not_start_says_why(tmp_path: Path, child: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{child}\necho no torch here >&2\nexit 3\n")
    python.chmod(0o755)
    with pytest.raises(WorkerDied, match="exit code 3; its last words: no torch here"):
        WorkerProcess(lambda log: spawn(log, str(python)))


def test_a_worker_ends_when_its_stdin_closes() -> None:
    worker = WorkerProcess()
    assert worker._process.stdin is not None
    worker._process.stdin.close()
    assert worker._process.wait(timeout=30) == 0
