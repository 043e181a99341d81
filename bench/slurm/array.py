"""What a job array is: its shards, what each of its jobs gets, and where its records go. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

NAME = "semibackward-bench"
"""Of the jobs, as `squeue` shows it."""
WARNING = 90
"""Seconds before its end that a job is told of it, unless it is short."""
RESTARTS = 3
"""How often a job whose time was too short is put into the queue again."""


@dataclass(frozen=True)
class Resources:
    """What each job of the array gets, as `sbatch` has it; None where nothing was said.

    Attributes:
        minutes: of time.
        account, partition, gres, mem: as given.
        cpus: of a task.
        at_once: jobs that may run at the same time.
    """

    minutes: int
    account: str | None = None
    partition: str | None = None
    gres: str | None = None
    cpus: int | None = None
    mem: str | None = None
    at_once: int | None = None

    @property
    def warning(self) -> int:
        """Seconds before its end that a job is told of it. Slurm may be half a minute early, and a
        job that is told before it has begun ends there and then."""
        return min(WARNING, 15 * self.minutes)


@dataclass(frozen=True)
class Array:
    """A run in shards.

    Attributes:
        words: of `run`, as given.
        count: how many shards there are.
        folder: where their records go.
        resources: of each.
    """

    words: tuple[str, ...]
    count: int
    folder: Path
    resources: Resources
