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
from semibackward_bench import home

MANY = 3000
"""Comparisons from which a second process is worth its start."""
PATIENCE = 120.0
"""Seconds that are waited for it once everything else is drawn."""
COMMAND = tuple(home.command("reports.figures.beside"))


class Other:
    """The second process.

    Args:
        runs: what it reads again; their files must still be what they were.
        folder: where it puts its plots.
    """

    def __init__(self, runs: Sequence[Run], folder: Path) -> None:
        self._process = subprocess.Popen(
            [*COMMAND, str(folder), *(str(run.path) for run in runs)],
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
    """Whether its file reads again as it was read here."""
    return run.path.is_file() and not run.damaged


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def main(folder: str, *files: str) -> None:
    """Draw its share of what the files have something for."""
    gc.disable()  # as `report` does
    runs = [reading.read(Path(file)) for file in files]
    for plot in share(every(runs)):
        saving.save(plot, Path(folder))
