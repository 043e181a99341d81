"""How long a shard takes: from the limits of its cases, or from a trial of one. No torch."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.choosing.suites import Limits
from bench.errors import UsageError
from bench.kinds import sharding
from bench.records import reading
from bench.records.reading import RecordError
from bench.running.serving import BESIDE
from bench.statistics.stopping import PATIENCE
from semibackward_bench.grammar import counted

WAYS = ("limits", "trial")
START = 120.0
"""Seconds of a job before its first case: its file system wakes up, it imports, makes kernels."""
BESIDES = 30.0
"""Seconds of a process besides measuring: its start, building, checks, warm-up."""
WAITS = 1
"""How many times its budget a case on a CPU may wait for pauses of other programs."""
TRIAL_SECONDS = 2.0
"""Of measuring, in a trial."""
SPARE = 2.0
"""How many times what a trial took: other cases, and other machines, may be slower."""


@dataclass(frozen=True)
class Estimate:
    """What a job needs.

    Attributes:
        minutes: whole ones.
        how: they came about, in a sentence.
    """

    minutes: int
    how: str


def by_limits(comparisons: int, limits: Limits) -> Estimate:
    """What a shard may take at most by its limits. Pure.

    Args:
        comparisons: of the fullest shard.
        limits: of each.
    """
    processes = _processes(limits)
    measuring = (PATIENCE + WAITS) * limits.max_seconds
    each = min(measuring + processes * BESIDES, processes * limits.patience)
    how = (
        f"{counted(comparisons, 'comparison')} of at most {each:.0f} s by their limits (up to"
        f" {measuring:g} s of measuring and waiting for other programs,"
        f" {counted(processes, 'process', 'processes')} that take {BESIDES:g} s besides)"
    )
    return _estimate(comparisons * each, how)


def by_trial(comparisons: int, limits: Limits, trial: Trial) -> Estimate:
    """What a shard takes if all its comparisons are as those of a trial. Pure.

    Args:
        comparisons: of the fullest shard.
        limits: of each.
        trial: what was tried.
    """
    besides = max(trial.seconds - trial.measured, 0.0) / trial.comparisons
    processes = _processes(limits)
    each = SPARE * (limits.max_seconds + processes * besides)
    how = (
        f"{counted(comparisons, 'comparison')} of {each:.0f} s, twice what a trial of the first"
        f" case tells: {limits.max_seconds:g} s of measuring, and {besides:.1f} s besides in each"
        f" of {counted(processes, 'process', 'processes')}"
    )
    return _estimate(comparisons * each, how)


def _processes(limits: Limits) -> int:
    return limits.processes + (BESIDE if limits.memory == "both" else 0)


def _estimate(seconds: float, how: str) -> Estimate:
    minutes = math.ceil((seconds + START) / 60)
    return Estimate(minutes, f"{how}, and {counted(f'{START / 60:g}', 'minute')} to start")


@dataclass(frozen=True)
class Trial:
    """What a short run of one case took here.

    Attributes:
        seconds: from start to end.
        measured: of these, seconds of measured runs.
        comparisons: that it had.
    """

    seconds: float
    measured: float
    comparisons: int


def tried(words: Sequence[str], cases: int) -> Trial:
    """Measure one case here, for a short time.

    Args:
        words: of `run`, as given.
        cases: how many there are.

    Raises:
        UsageError: it does not work here.
    """
    with tempfile.TemporaryDirectory(prefix="semibackward-trial-") as folder:
        path = Path(folder, "trial.jsonl")
        options = [sharding.OPTION, f"1/{cases}", "--max-seconds", str(TRIAL_SECONDS)]
        options += ["--processes", "1", "--out", str(path)]
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "semibackward_bench", "run", *words, *options],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        seconds = time.perf_counter() - started
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        said = said.removeprefix("bench: ")
        try:
            found = reading.read(path).comparisons
        except RecordError:
            found = ()
    measured = [r for r in found if r.status == "ok"]
    if not measured:
        reason = found[0].reason if found and found[0].reason else said
        raise UsageError(
            f"the trial measured nothing here ({reason}); use --estimate limits, or give --time"
        )
    times = [sum(sum(runs) for runs in (r.seconds or {}).values()) for r in measured]
    return Trial(seconds, sum(times), len(measured))
