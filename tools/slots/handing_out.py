"""`make handing-out`: what many slots cost the process that hands cases out.

Workers are simulated: each answer takes a while and no processor time. What is left is the
controlling process's own work: handing a case out, asking for blocks, the statistics of its record
and the line in the journal, each counted by the processor time of its thread. Writes
results/slots/handing-out.md.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from unittest import mock

import psutil

from bench import files
from bench.cases import Comparison
from bench.choosing.suites import Limits
from bench.records.journal import Journal
from bench.records.types import ComparisonRecord
from bench.running import assembly, under_way
from bench.running.pool import WorkerPool
from bench.running.progress import PlainProgress
from bench.running.runner import Runner
from bench.running.slots import Slot
from tools import main_job
from tools.slots import simulated

RESULTS = Path(__file__).resolve().parents[2] / "results" / "slots" / "handing-out.md"
SETTINGS = ((64, 20_000),)
"""Slots, and cases."""
ANSWER = 0.02
"""Seconds that each answer of a simulated worker takes."""
CASE_SECONDS = 128.0
"""Of a case, for the share of a core that its 64 slots cost: four runs of it are half a minute."""


@dataclass(frozen=True)
class Cost:
    """What one setting cost.

    Attributes:
        slots, cases: the setting.
        wall: seconds.
        whole: milliseconds of processor time a case, of the whole process.
        handing: of these, in handing cases out.
        statistics: in making records of what was measured.
        writing: in the journal.
        memory: megabytes of the process after a tenth of the cases, and after all.
        records: lines of comparisons in the journal in the end.
    """

    slots: int
    cases: int
    wall: float
    whole: float
    handing: float
    statistics: float
    writing: float
    memory: tuple[float, float]
    records: int


class Quiet(PlainProgress):
    """Tells nobody."""

    def note(self, text: str) -> None:
        """Nothing."""

    def of(self, slot: str) -> PlainProgress:
        return Quiet()


class Clocks:
    """Processor time by what it was spent on, over all threads."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def counting(self, owner: Any, name: str, what: str) -> Iterator[None]:
        """Count what a function of ours takes, while this is open."""
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def counted(*given: Any, **named: Any) -> Any:
            begun = time.thread_time()
            try:
                return inner(*given, **named)
            finally:
                spent = time.thread_time() - begun
                self.seconds[what] = self.seconds.get(what, 0.0) + spent

        with mock.patch.object(owner, name, counted):
            yield


def comparisons(number: int) -> list[Comparison]:
    """So many cases, that differ in the size of their batch alone."""
    (first,) = main_job.comparisons(["--libs", "foolbox"], "cpu")
    return [replace(first, case=replace(first.case, batch=1 + n)) for n in range(number)]


def measure(slots: int, cases: int, folder: Path) -> Cost:
    """Run one setting."""
    asked = comparisons(cases)
    clocks, process = Clocks(), psutil.Process()
    seen: list[float] = []
    ended = 0

    def note(record: ComparisonRecord) -> None:
        nonlocal ended
        ended += 1
        if ended in (max(1, cases // 10), cases):
            seen.append(process.memory_info().rss / 1e6)

    def slot(number: int) -> Slot:
        return Slot(WorkerPool(lambda *_: simulated.Worker(number, ANSWER)), name=str(number))

    limits = Limits(processes=1, max_seconds=60.0)
    run = Runner([slot(number) for number in range(slots)], limits, 0, Quiet())
    path = folder / f"{slots}-{cases}.jsonl"
    begun, before = time.perf_counter(), time.process_time()
    with (
        Journal(path) as journal,
        clocks.counting(under_way.Queue, "take", "handing"),
        clocks.counting(assembly, "complete", "statistics"),
        clocks.counting(Journal, "append", "writing"),
    ):
        run.measure(asked, journal, note)
    wall, spent = time.perf_counter() - begun, time.process_time() - before
    with path.open(encoding="utf-8") as file:
        records = sum(1 for _ in file)
    return Cost(
        slots,
        cases,
        wall,
        1e3 * spent / cases,
        1e3 * clocks.seconds["handing"] / cases,
        1e3 * clocks.seconds["statistics"] / cases,
        1e3 * clocks.seconds["writing"] / cases,
        (seen[0], seen[-1]),
        records,
    )


def page(costs: Sequence[Cost]) -> str:
    """The table, and how to read it."""
    rows = [
        [
            str(cost.slots),
            f"{cost.cases:,}",
            f"{cost.records:,}",
            f"{cost.whole:.1f}",
            f"{cost.handing:.3f}",
            f"{cost.statistics:.1f}",
            f"{cost.writing:.2f}",
            f"{100 * cost.whole / 1e3 * cost.slots / CASE_SECONDS:.2f} %",
            f"{cost.memory[0]:.0f}, {cost.memory[1]:.0f}",
        ]
        for cost in costs
    ]
    head = [
        "slots",
        "cases",
        "records",
        "ms a case",
        "handing out",
        "statistics",
        "journal",
        "of a core",
        "MB",
    ]
    made = datetime.now(timezone.utc)
    return (
        "# What many slots cost the process that hands cases out\n\n"
        f"Made by `make handing-out`, {made:%Y-%m-%d}, with simulated workers, whose answers take"
        f" {1e3 * ANSWER:.0f} ms each and no processor time. *ms a case* is the processor time of"
        " the whole controlling process for one case: asking for its blocks, and what the next"
        " three columns have of it. *Of a core* is its share if a case takes"
        f" {CASE_SECONDS:.0f} s of a slot. *MB* is the memory of the process after a tenth of the"
        " cases, and after all of them.\n\n"
        + "\n".join(_lines([head, ["---"] * len(head), *rows]))
        + "\n"
    )


def _lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    return (f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Measure all settings, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--few", action="store_true", help="a hundredth of the cases, for tests")
    asked = parser.parse_args()
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        measure(1, 1, Path(folder))  # what the first case imports is no cost of any
        for slots, cases in SETTINGS:
            costs.append(measure(slots, cases // 100 if asked.few else cases, Path(folder)))
            print(costs[-1], flush=True)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    files.write(asked.out, page(costs))


if __name__ == "__main__":
    main()
