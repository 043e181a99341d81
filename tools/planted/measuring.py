"""Run the program's commands on both packages, as a maintainer would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.planted.changes import UNCHANGED
from tools.planted.copies import AFTER, BEFORE, Copy

FILES = ("counts-before", "counts-after", "run-before", "run-after", "duel", "duel-longer")
"""Names of the records, without their suffix, in the order they are made."""

EQUAL_IN_LONGER = 2
CASE = ("--models", "wrn_10_1", "--classes", "10", "--batch", "1", "--image-size", "32")
_ROOT = Path(__file__).resolve().parent.parent.parent


class MeasuringFailed(Exception):
    """A command could not measure."""


@dataclass(frozen=True)
class Budget:
    """How long to measure each copy.

    Attributes:
        run_seconds: in a `run`, in one process.
        duel_seconds: in the duel, in all its processes together.
        processes: pairs of processes in the duel.
        longer_seconds, longer_processes: of the longer duel, which has every change and a few of
            the copies without one.
    """

    run_seconds: float = 3.0
    duel_seconds: float = 12.0
    processes: int = 8
    longer_seconds: float = 30.0
    longer_processes: int = 12


def longer(found: Sequence[Copy]) -> list[Copy]:
    """The copies of the longer duel."""
    equal = [copy for copy in found if copy.change == UNCHANGED]
    return [copy for copy in found if copy.change != UNCHANGED] + equal[:EQUAL_IN_LONGER]


def measure(name: str, found: Sequence[Copy], folder: Path, out: Path, budget: Budget) -> None:
    """Make one file of records, unless it is there.

    Args:
        name: of the file, one of `FILES`.
        found: the copies.
        folder: that they are written in.
        out: where the records go.
        budget: how long to measure.

    Raises:
        MeasuringFailed: the command could not.
    """
    target = out / f"{name}.jsonl"
    if target.exists():
        return
    command, _, which = name.partition("-")
    if which == "longer":
        found = longer(found)
    made = f"{name}.jsonl"
    words = [command, *CASE, "--out", made]
    words += [word for copy in found for word in ("--attack", copy.attack)]
    if command == "run":
        words += ["--max-seconds", f"{budget.run_seconds:g}", "--processes", "1"]
        words += ["--precision", "0.005"]
    if command == "duel":
        seconds, processes = budget.duel_seconds, budget.processes
        if which == "longer":
            seconds, processes = budget.longer_seconds, budget.longer_processes
        words += ["--a", f"./{BEFORE}", "--b", f"./{AFTER}", "--processes", str(processes)]
        words += ["--max-seconds", f"{seconds:g}", "--precision", "0.002"]
    places = [str(_ROOT), *([str(folder / which)] if which in (BEFORE, AFTER) else [])]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",  # one thread leaves a core to whatever else runs
        "PYTHONPATH": os.pathsep.join(places),
        "PYTHONDONTWRITEBYTECODE": "1",  # both packages' files have one name and maybe one time
    }
    # From the folder, so that records name no path of this machine.
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words], cwd=folder, env=environment, stdout=subprocess.PIPE
    )
    if done.returncode != 0:
        raise MeasuringFailed(f"{name}: bench {command} ended with {done.returncode}")
    shutil.move(folder / made, target)
