"""What `run` tells in the end."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.choosing.suites import Limits
from bench.commands import run as run_command
from bench.running.measuring import Spent
from bench.running.pauses import Pauses
from bench.running.pool import WorkerPool
from bench.running.runner import Runner
from bench.running.slots import Slot
from tests.records import FAILED, GAIN, run


def test_where_the_time_went_adds_up() -> None:
    from bench.commands.run import where_the_time_went
    from bench.running.progress import PlainProgress

    kept, given = WorkerPool(), WorkerPool()
    slot = Slot(kept, beside=given, spent=Spent(10.0, 5.0, 5.0, 58.0))
    runner = Runner([slot], Limits(), seed=0, progress=PlainProgress())
    kept.start_seconds, given.start_seconds = 15.0, 5.0
    said = where_the_time_went(runner, total=100.0)
    assert "worker start and building 30.0" in said
    assert "pauses" not in said
    assert said.endswith("everything else 2.0 s (2.0 %)")
    slot.pauses = Pauses(60.0, 2)
    slot.pauses.waited = 1.5
    said = where_the_time_went(runner, total=100.0)
    assert "waiting for pauses of other programs 1.5, everything else 0.5 s" in said


def test_the_rest_is_reached_by_a_command_as_the_program_was_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["/opt/bin/semibackward-bench"])
    told = run_command.where(Path("runs/x y.jsonl"), run(replace(GAIN, warnings=[])))
    records, more, command = told.splitlines()
    assert records == "Records: runs/x y.jsonl"
    assert more == "All columns and notes:"
    assert command == "  semibackward-bench report 'runs/x y.jsonl'"
    warned = run(replace(GAIN, warnings=["hot", "few"]), replace(FAILED, warnings=["hot"]))
    assert "notes, with 2 warnings:" in run_command.where(Path("x"), warned)


def test_every_table_is_printed_for_a_terminal_or_as_markdown() -> None:
    found = run(GAIN, FAILED)
    brief, everything = (run_command.tables(found, everything=wide) for wide in (False, True))
    assert "| library " not in brief
    assert max(map(len, brief.splitlines())) <= 80
    assert "| library " in everything
