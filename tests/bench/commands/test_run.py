"""What `run` tells in the end."""

from __future__ import annotations

from bench.choosing.suites import Limits
from bench.running.pauses import Pauses
from bench.running.pool import WorkerPool
from bench.running.runner import Runner


def test_where_the_time_went_adds_up() -> None:
    from bench.commands.run import where_the_time_went
    from bench.running.progress import PlainProgress

    runner = Runner(WorkerPool(), Limits(), seed=0, progress=PlainProgress(), beside=WorkerPool())
    assert runner.beside is not None
    runner.workers.start_seconds, runner.beside.start_seconds = 15.0, 5.0
    runner.spent.building, runner.spent.checks = 10.0, 5.0
    runner.spent.warmup, runner.spent.measured = 5.0, 58.0
    said = where_the_time_went(runner, total=100.0)
    assert "worker start and building 30.0" in said
    assert "pauses" not in said
    assert said.endswith("everything else 2.0 s (2.0 %)")
    runner.pauses = Pauses(60.0, 2)
    runner.pauses.waited = 1.5
    said = where_the_time_went(runner, total=100.0)
    assert "waiting for pauses of other programs 1.5, everything else 0.5 s" in said
