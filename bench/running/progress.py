"""What the user sees while cases run, on stderr. Drawn between blocks only, never during one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from bench import console, layout, telling
from bench.cases import A_A, FORWARD_ONLY, RIVAL, SEMI_BACKWARD, Comparison, against
from bench.records.types import ComparisonRecord
from bench.statistics.equality import OUTPUTS
from bench.statistics.estimate import Speedup

_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_BETWEEN_DRAWINGS = 0.5
_LETTERS_OF_A_SLOT = 24


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

    def of(self, slot: str) -> Progress:
        """What one of several slots tells, from a thread of its own; `slot` is its name."""


class PlainProgress:
    """A line now and then, for logs.

    Args:
        slot: the name of the slot that tells, where there are several.
    """

    def __init__(self, slot: str = "") -> None:
        self._slot = f"{telling.line(slot)}: " if slot else ""
        self._last = 0.0
        self._where = ""

    def note(self, text: str) -> None:
        console.note(text)

    def begin(self, comparison: Comparison, number: int, total: int) -> None:
        self._where = f"[{number}/{total}]"
        self._last = time.monotonic()
        self.note(f"{self._where} {self._slot}{telling.line(titled(comparison))}")

    def stage(self, text: str) -> None:
        pass

    def block(self, speedup: Speedup, left: float) -> None:
        if time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            self.note(f"{self._where}   {self._slot}{in_words(speedup)}, ≤ {clock(left)} left")

    def end(self, record: ComparisonRecord) -> None:
        self.note(f"{self._where}   {self._slot}{outcome(record)}")

    def task(self, text: str, number: int, total: int) -> None:
        self._where = f"[{number}/{total}]"
        self.note(f"{self._where} {telling.line(text)}")

    def step(self, text: str) -> None:
        self.note(f"{self._where}   {telling.line(text)}")

    def of(self, slot: str) -> PlainProgress:
        return PlainProgress(slot)


class RichProgress:
    """The case, and under it a bar with where it stands, for terminals of 80 columns.

    Attributes:
        lines: what each of several slots does, by the slot; under the bar.
    """

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar
        from rich.text import Text

        lines: dict[int, str] = {}

        class Bars(Bar):
            def get_renderables(self) -> Iterator[Any]:
                yield from super().get_renderables()
                for line in lines.values():
                    yield Text(line, no_wrap=True, overflow="ellipsis")

        self.lines = lines
        # Nothing is drawn by a thread of its own: it would run beside the attack being timed.
        self._bar = Bars(
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

    def of(self, slot: str) -> RichSlot:
        self._bar.update(self._task, now="", refresh=True)
        return RichSlot(self, slot)

    def begun(self, number: int, total: int) -> None:
        """So many processes of all slots have begun."""
        self._bar.update(self._task, total=total, completed=number - 1)

    def draw(self) -> None:
        """Draw everything."""
        self._bar.refresh()


class RichSlot:
    """One of several slots: a line of its own under the bar of the whole run. Drawn at most once in
    `_SECONDS_BETWEEN_DRAWINGS`, since others measure meanwhile.

    Args:
        whole: tells of the run.
        slot: the name of this one.
    """

    _lock = threading.Lock()
    _drawn = 0.0

    def __init__(self, whole: RichProgress, slot: str) -> None:
        self._whole = whole
        self._slot = layout.cut(telling.line(slot), _LETTERS_OF_A_SLOT)
        self._title = ""
        self._number = len(whole.lines)
        whole.lines[self._number] = f"{self._slot}: starting"

    def note(self, text: str) -> None:
        with self._lock:
            self._whole.note(text)

    def begin(self, comparison: Comparison, number: int, total: int) -> None:
        self._title = telling.line(titled(comparison))
        with self._lock:
            self._whole.begun(number, total)
        self.stage("starting the worker")

    def stage(self, text: str) -> None:
        # The title may be cut: whoever waits wants to know how far it is.
        now = f"{self._slot}: {telling.line(text)}; {self._title}"
        with self._lock:
            self._whole.lines[self._number] = now
            if time.monotonic() - RichSlot._drawn >= _SECONDS_BETWEEN_DRAWINGS:
                RichSlot._drawn = time.monotonic()
                self._whole.draw()

    def block(self, speedup: Speedup, left: float) -> None:
        self.stage(f"{in_words(speedup)}, ≤ {clock(left)} left")

    def end(self, record: ComparisonRecord) -> None:
        self.note(f"{self._slot}: {self._title}\n  {outcome(record)}")

    def task(self, text: str, number: int, total: int) -> None:
        self._title = telling.line(text)
        self.stage("starting the worker")

    def step(self, text: str) -> None:
        self.stage(text)

    def of(self, slot: str) -> RichSlot:
        return RichSlot(self._whole, slot)


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
