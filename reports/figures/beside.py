"""A second process that draws some of the plots of many records, on a core that would be idle.

It is a new process, no copy of this one, which has threads; so it reads the records itself, and
draws every third plot while this one draws the others. What it has not drawn in time is drawn here.
"""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.records import reading
from bench.records.reading import Run
from reports.figures import saving
from reports.figures.every import plots as every
from reports.figures.plot import Plot
from reports.reading import joined
from semibackward_bench import home

MANY = 3000
"""Comparisons from which a second process is worth its start."""
PATIENCE = 120.0
"""Seconds that are waited for it once everything else is drawn."""
_APART = ""
"""Between the files of one run and those of the next; no path is empty."""
COMMAND = tuple(home.command("reports.figures.beside"))


class Other:
    """The second process.

    Args:
        runs: what it reads again; their files must still be what they were.
        folder: where it puts its plots.
    """

    def __init__(self, runs: Sequence[Run], folder: Path) -> None:
        self._process = subprocess.Popen(
            [*COMMAND, str(folder), *_words(runs)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def done(self) -> bool:
        """Wait for its end; whether it has drawn all of its plots."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(PATIENCE) == 0
        return False

    def end(self) -> None:
        """See to it that it is over."""
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def begun(runs: Sequence[Run], folder: Path) -> Iterator[Other | None]:
    """The second process, which ends with the block; None where there is no use for one."""
    many = sum(len(run.comparisons) for run in runs) >= MANY
    if not many or _cores() < 2 or not all(map(_read_again, runs)):
        yield None
        return
    other = Other(runs, folder)
    try:
        yield other
    finally:
        other.end()


def share(plots: Sequence[Plot]) -> list[Plot]:
    """What the second process draws: less than half, since it has to read first."""
    return list(plots[1::3])


def _read_again(run: Run) -> bool:
    """Whether its files read again as they were read here."""
    return all(each.path.is_file() and not each.damaged for each in joined.journals(run))


def _words(runs: Sequence[Run]) -> Iterator[str]:
    """The files of each run, and what stands between two runs."""
    for number, run in enumerate(runs):
        yield from [_APART] if number else []
        yield from (str(journal.path) for journal in joined.journals(run))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def main(folder: str, *files: str) -> None:
    """Draw its share of what the files have something for.

    Args:
        folder: where the plots go.
        files: of each run, with an empty word between two runs.
    """
    gc.disable()  # as `report` does
    found: list[list[Run]] = [[]]
    for file in files:
        if file == _APART:
            found.append([])
        else:
            found[-1].append(reading.read(Path(file)))
    runs = list(map(joined.whole, found))
    for plot in share(every(runs)):
        saving.save(plot, Path(folder))
