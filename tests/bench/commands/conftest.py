"""The program in the process of the tests, with one worker that is started once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from bench import cli
from bench.running.pool import WorkerPool
from bench.running.process import WorkerProcess
from tests.places import ROOT

Bench: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def worker() -> Iterator[Callable[..., WorkerProcess]]:
    """One real worker, started when it is first asked for and then handed to everybody."""

    class Shared(WorkerProcess):
        def close(self) -> None:
            """Others need it."""

    started: list[Shared] = []

    def start(*_: str) -> Shared:
        if not started:
            started.append(Shared())
        return started[0]

    yield start
    for process in started:
        WorkerProcess.close(process)


@pytest.fixture
def bench_here(
    worker: Callable[..., WorkerProcess],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Bench:
    """Runs a command in this process: for those that end before anything is measured."""
    for module in ("bench.running.berths", "bench.commands.model_doctor"):
        monkeypatch.setattr(f"{module}.WorkerPool", lambda *_: WorkerPool(worker))
    monkeypatch.chdir(ROOT)

    def run(*words: Any) -> subprocess.CompletedProcess[str]:
        try:
            code = cli.main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
        said = capfd.readouterr()
        return subprocess.CompletedProcess(words, code, said.out, said.err)

    return run
