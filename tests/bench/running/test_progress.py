"""What the user sees while cases run, in a terminal of 80 columns and in a log."""

from __future__ import annotations

import io

import pytest

from bench.running import progress
from bench.statistics.estimate import Speedup
from tests.workers import ScriptedWorker, comparison, measure

RECORD = measure(ScriptedWorker())
SOME = Speedup(1.62, 1.58, 1.66, 0.95, 1, 1234, "")


def test_a_terminal_of_80_columns_shows_case_blocks_ratio_interval_and_time_left() -> None:
    from rich.console import Console

    screen = io.StringIO()
    bars = progress.RichProgress()
    bars._bar.live.console = Console(file=screen, width=80, force_terminal=True)
    with bars:
        bars.begin(comparison(), 2, 6)
        bars.block(SOME, left=754.6)
        bars.end(RECORD)
    shown = screen.getvalue()
    assert "foolbox pgd on resnet18, 4 images of 3x32x32, 5 steps" in shown
    assert "1/6" in shown
    assert "1.62x [1.58, 1.66] after 1234 blocks, ≤ 12:35 left" in shown
    assert "faster: 1.50x [1.50, 1.50] after 25 blocks" in shown


def test_a_log_gets_plain_lines_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([10.0, 11.0, 16.0, 16.0])
    monkeypatch.setattr("bench.running.progress.time.monotonic", lambda: next(clock))
    plain = progress.PlainProgress()
    plain.begin(comparison(), 2, 6)
    plain.block(SOME, left=60)
    plain.block(SOME, left=60)
    plain.end(RECORD)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3, "the first block came too soon for a line"
    assert lines[0].startswith("[2/6] foolbox pgd on resnet18")
    assert lines[1] == "[2/6]   1.62x [1.58, 1.66] after 1234 blocks, ≤ 1:00 left"
    assert lines[2] == "[2/6]   faster: 1.50x [1.50, 1.50] after 25 blocks"


def test_a_log_has_no_line_of_more_than_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    plain = progress.PlainProgress()
    plain.begin(comparison(model="a_model" * 5), 2, 6)
    plain.note("a word " * 30)
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith("  "), "what goes on is set in"


def test_nothing_is_drawn_by_a_thread_beside_the_attack() -> None:
    assert progress.RichProgress()._bar.live.auto_refresh is False


def test_a_case_without_a_speedup_gives_its_reason() -> None:
    from dataclasses import replace

    failed = replace(RECORD, status="failed", speedup=None, verdict=None, reason="it fell over")
    assert progress.outcome(failed) == "failed: it fell over"
