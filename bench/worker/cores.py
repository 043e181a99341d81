"""Hold a process to the cores that it was given, before it computes anything. Imports no torch.

torch asks at its import how many threads to compute with, by the cores that the process may use.
"""

from __future__ import annotations

import os

CORES = "SEMIBACKWARD_BENCH_CORES"
"""The variable with their numbers, as "0,1,4"; unset where a worker may use all."""


def hold() -> None:
    """Keep this process, and what it starts, on the cores that the variable names.

    Raises:
        OSError: they are not there.
    """
    named = os.environ.get(CORES)
    if named:
        os.sched_setaffinity(0, {int(number) for number in named.split(",")})


def may_use() -> list[int]:
    """Numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
