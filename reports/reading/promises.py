"""What a verdict promises: one of a single process may be of that process alone. Pure.

An interval over the blocks of one process says nothing of another one, nor of another run. Widened
by what those differ by, it may no longer lie where the verdict says.
"""

from __future__ import annotations

import math
from dataclasses import replace

from bench.records.types import Timed
from bench.statistics import components, estimate
from bench.statistics.estimate import Speedup

ONLY_HERE = "in this process"
"""What follows a verdict that another process need not come to."""


def widened(found: Speedup) -> Speedup:
    """A single process's speedup with the interval in which a run of another process lies.

    Its ends and what processes and runs differ by are added in quadrature. One over several
    processes has that in its interval and stays as it is.
    """
    if found.processes > 1 or found.low is None or found.high is None:
        return found
    more = estimate.normal_quantile(found.confidence) * components.unseen(found.processes)
    below = math.hypot(math.log(found.estimate / found.low), more)
    above = math.hypot(math.log(found.high / found.estimate), more)
    return replace(
        found,
        low=found.estimate * math.exp(-below),
        high=found.estimate * math.exp(above),
    )


def only_here(record: Timed) -> bool:
    """Whether another process need not come to the record's verdict."""
    found = record.speedup
    if record.verdict in (None, "inconclusive") or found is None or found.processes > 1:
        return False
    return estimate.verdict(widened(found)) != record.verdict


def verdict(record: Timed) -> str:
    """The verdict, as "faster" or "faster, in this process"; without one, how the record ended."""
    told = record.verdict or record.status
    return f"{told}, {ONLY_HERE}" if only_here(record) else told
