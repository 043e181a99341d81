"""What the user sees while cases run, on stderr. Drawn between blocks only, never during one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from bench import console, layout, telling
from bench.cases import A_A, FORWARD_ONLY, RIVAL, SEMI_BACKWARD, Comparison, against
from bench.records.types import ComparisonRecord
from bench.statistics.equality import OUTPUTS
from bench.statistics.estimate import Speedup

_SECONDS_BETWEEN_LINES = 5.0


class Progress(Protocol):
    """Told what happens; tells the user."""

    def note(self, text: str) -> None:
        """Something worth a line."""

    def begin(self, comparison: Comparison, number: int, total: int) -> None:
        """A case starts; `number` counts from 1."""

    def stage(self, text: str) -> None:
        """What the case is doing."""

    def block(self, speedup: Speedup, left: float) -> None:
        """A block is done; `left` is how many seconds the whole run may still take."""

    def end(self, record: ComparisonRecord) -> None:
        """The case is over."""

    def task(self, text: str, number: int, total: int) -> None:
        """Something else than a case starts; `number` counts from 1."""

    def step(self, text: str) -> None:
        """Something of it is done."""


class PlainProgress:
    """A line now and then, for logs."""

    def __init__(self) -> None:
        self._last = 0.0
        self._where = ""

    def note(self, text: str) -> None:
        console.note(text)

    def begin(self, comparison: Comparison, number: int, total: int) -> None:
        self._where = f"[{number}/{total}]"
        self._last = time.monotonic()
        self.note(f"{self._where} {telling.line(titled(comparison))}")

    def stage(self, text: str) -> None:
        pass

    def block(self, speedup: Speedup, left: float) -> None:
        if time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            self.note(f"{self._where}   {in_words(speedup)}, ≤ {clock(left)} left")

    def end(self, record: ComparisonRecord) -> None:
        self.note(f"{self._where}   {outcome(record)}")

    def task(self, text: str, number: int, total: int) -> None:
        self._where = f"[{number}/{total}]"
        self.note(f"{self._where} {telling.line(text)}")

    def step(self, text: str) -> None:
        self.note(f"{self._where}   {telling.line(text)}")


class RichProgress:
    """The case, and under it a bar with where it stands, for terminals of 80 columns."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        # Nothing is drawn by a thread of its own: it would run beside the attack being timed.
        self._bar = Bar(
            BarColumn(bar_width=10),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}", markup=False),
            console=console.terminal(),
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, now="starting the worker")

    def __enter__(self) -> RichProgress:
        self._bar.start()
        self._bar.refresh()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def note(self, text: str) -> None:
        broken = layout.broken(telling.lines(text), console.width_of_notes(), "  ")
        self._bar.console.print(broken, markup=False, emoji=False, highlight=False)

    def begin(self, comparison: Comparison, number: int, total: int) -> None:
        self.note(f"[{number}/{total}] {telling.line(titled(comparison))}")
        self._bar.update(self._task, total=total, completed=number - 1)
        self.stage("starting the worker")

    def stage(self, text: str) -> None:
        self._bar.update(self._task, now=telling.line(text), refresh=True)

    def block(self, speedup: Speedup, left: float) -> None:
        self.stage(f"{in_words(speedup)}, ≤ {clock(left)} left")

    def end(self, record: ComparisonRecord) -> None:
        self.note(f"  {outcome(record)}")

    def task(self, text: str, number: int, total: int) -> None:
        self.note(f"[{number}/{total}] {telling.line(text)}")
        self._bar.update(self._task, total=total, completed=number - 1)
        self.stage("starting the worker")

    def step(self, text: str) -> None:
        self.stage(text)


@contextmanager
def shown() -> Iterator[Progress]:
    """Bars on a terminal, plain lines elsewhere."""
    if console.is_terminal():
        with RichProgress() as bars:
            yield bars
    else:
        yield PlainProgress()


def titled(comparison: Comparison) -> str:
    """A case, with its variant where that does more than freeze or has another baseline."""
    told = against(comparison.variant, comparison.baseline)
    usual = told in (SEMI_BACKWARD, FORWARD_ONLY, A_A, RIVAL)
    return str(comparison.case) if usual else f"{comparison.case}: {told}"


def in_words(speedup: Speedup) -> str:
    """A speedup with its interval and the number of blocks."""
    blocks = f"{speedup.blocks} block{'s' if speedup.blocks != 1 else ''}"
    if speedup.low is None or speedup.high is None:
        return f"{speedup.estimate:.2f}x after {blocks}"
    return f"{speedup.estimate:.2f}x [{speedup.low:.2f}, {speedup.high:.2f}] after {blocks}"


def outcome(record: ComparisonRecord) -> str:
    """How a case ended, in one line."""
    if record.speedup is None:
        return f"{record.status}: {telling.line(str(record.reason))}"
    level = "" if record.equality is None else record.equality.level
    by = "" if level in ("", "identical") else f" (outputs {OUTPUTS[str(level)]})"
    return f"{record.verdict}: {in_words(record.speedup)}{by}"


def clock(seconds: float) -> str:
    """Minutes and seconds, as 2:05."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    return f"{minutes}:{rest:02d}"
