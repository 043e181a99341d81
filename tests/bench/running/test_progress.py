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


HOSTILE = "ssh no\x1b[2Jde\n::error::7"


def test_in_a_log_each_line_names_its_slot(capsys: pytest.CaptureFixture[str]) -> None:
    plain = progress.PlainProgress()
    for number, name in ((2, "cuda:0"), (3, HOSTILE)):
        slot = plain.of(name)
        slot.begin(comparison(), number, 6)
        slot.end(RECORD)
    said = capsys.readouterr().err
    assert "\x1b" not in said
    lines = said.splitlines()
    assert lines[0].startswith("[2/6] cuda:0: foolbox pgd on resnet18")
    assert "[2/6]   cuda:0: faster: 1.50x [1.50, 1.50] after 25 blocks" in lines
    assert not any(line.startswith("::") for line in lines)
    assert max(map(len, lines)) <= 80


class Screen:
    """A terminal of 80 columns, with bars on it and a clock of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from rich.console import Console

        self.now = 1000.0
        self.text = io.StringIO()
        self.drawn = 0
        monkeypatch.setattr(progress.RichSlot, "_drawn", 0.0)
        monkeypatch.setattr("bench.running.progress.time.monotonic", lambda: self.now)
        self.bars = progress.RichProgress()
        live = self.bars._bar.live
        live.console = Console(file=self.text, width=80, height=30, force_terminal=True)
        refresh = live.refresh

        def counted() -> None:
            self.drawn += 1
            refresh()

        monkeypatch.setattr(live, "refresh", counted)

    def lines(self) -> list[str]:
        """What is drawn now, without colours."""
        from rich.console import Console

        console = Console(width=80, record=True, file=io.StringIO())
        console.print(self.bars._bar.get_renderable())
        return console.export_text().rstrip("\n").splitlines()


def test_a_terminal_has_a_line_a_slot_in_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch)
    with screen.bars:
        slots = [screen.bars.of(name) for name in ("cuda:0", "cuda:1", HOSTILE, "node " * 30)]
        for number, slot in enumerate(slots, 1):
            slot.begin(comparison(model="a_model" * 5), number, 400)
            screen.now += 1
            slot.block(SOME, left=754.6)
        drawn = screen.lines()
        slots[0].end(RECORD)
    assert len(drawn) == 1 + len(slots), "one for the run, and one each"
    assert max(map(len, drawn)) <= 80
    for line, name in zip(drawn[1:], ("cuda:0", "cuda:1", "ssh no", "node node"), strict=True):
        assert line.lstrip().startswith(name)
    assert "3/400" in drawn[0]
    assert "\x1b[2J" not in screen.text.getvalue()
    assert "≤ 12:35 left" in drawn[1]


def test_slots_together_draw_no_more_than_twice_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch)
    with screen.bars:
        slots = [screen.bars.of(f"cuda:{n}") for n in range(8)]
        before = screen.drawn
        for _ in range(100):
            for slot in slots:
                slot.block(SOME, left=60.0)
            screen.now += 0.1
        assert screen.drawn - before <= 21, "in 10 s"


def test_slots_may_tell_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    screen = Screen(monkeypatch)
    with screen.bars:

        def tell(slot: progress.Progress) -> None:
            for number in range(1, 6):
                slot.begin(comparison(), number, 5)
                slot.block(SOME, left=60.0)
                slot.end(RECORD)

        threads = [
            threading.Thread(target=tell, args=(screen.bars.of(f"cuda:{n}"),)) for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert screen.text.getvalue().count("faster: 1.50x") == 20
