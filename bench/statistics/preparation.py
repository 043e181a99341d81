"""What making a variant ready took, and when that has paid off. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Preparation:
    """What compiling, or capturing, took before anything was timed.

    Attributes:
        seconds: of building it and of the runs until one compiled nothing, less what these runs
            take once all is ready.
        runs: of those.
        compilations: graphs that were compiled or captured.
        breaks: why there are several graphs to a pass, a sentence each.
        pays_off: the number of runs after which it has paid off, by the medians of both ways; None
            where it never does, and where nothing was timed.
    """

    seconds: float
    runs: int
    compilations: int
    breaks: list[str] = field(default_factory=list)
    pays_off: int | None = None


def pays_off(seconds: float, baseline: Sequence[float], variant: Sequence[float]) -> int | None:
    """The number of runs after which what was spent beforehand is won back; None for never.

    Args:
        seconds: that the variant took to make ready, beyond what the baseline did.
        baseline, variant: seconds of their runs.
    """
    if not baseline or not variant:
        return None
    won = statistics.median(baseline) - statistics.median(variant)
    if seconds <= 0:
        return 0
    return None if won <= 0 else math.ceil(seconds / won)
