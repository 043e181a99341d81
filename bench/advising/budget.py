"""How long it may take, and how long things probably take."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.records.types import ComparisonRecord, ProcessRecord

FIRST = 60.0
"""Seconds that the first rung may take, however little was given: without it there is no answer."""
AT_LEAST = 3
"""Processes that an interval is worth having from: of two it is six times as wide as of five."""
PROCESSES = 5
PRECISION = 0.02
"""Half-width of the interval of the log ratio that is narrow enough."""
PROCESS = 3.0
"""Seconds that a process takes to be built."""
COMPILING = 10.0, 0.3
"""Seconds that compiling takes whatever the model, and for each tensor of parameters: ResNet50 has
161 of them and takes about a minute on two cores."""
AGAIN = 0.7
"""Of these, what a further process takes that finds the compiled code on disk."""
_SLOWER = 1.2
"""How many times as long as the last process the next may take."""
_SHARE = 1 / 40
_SHORTEST, _LONGEST = 0.5, 8.0


@dataclass(frozen=True)
class Budget:
    """What is left of the time that was given.

    Attributes:
        seconds: that were given.
        started: when, by the clock.
        clock: tells the time in seconds.
    """

    seconds: float
    started: float
    clock: Callable[[], float] = time.perf_counter

    @property
    def left(self) -> float:
        """Seconds."""
        return self.seconds - (self.clock() - self.started)

    @property
    def share(self) -> float:
        """Seconds of measuring, for each process."""
        return min(_LONGEST, max(_SHORTEST, _SHARE * self.seconds))


def of_rung(measured: Sequence[ComparisonRecord], *, compiles: bool) -> float:
    """Seconds that another variant takes.

    Args:
        measured: those before; none tell nothing, and take no time.
        compiles: whether it has to be made ready.
    """
    plain = [record for record in measured if not record.preparation and record.speedup]
    if not plain:
        return 0.0
    return plain[-1].elapsed + (compiling(plain[-1]) if compiles else 0.0)


def compiling(record: ComparisonRecord) -> float:
    """Seconds that making its model ready takes, by the number of its tensors of parameters."""
    always, each = COMPILING
    found = (record.gradients or {}).get("parameters", 0)
    return always + each * int(found)


def of_process(record: ComparisonRecord, parts: Sequence[ProcessRecord], share: float) -> float:
    """Seconds that another process of a variant takes.

    Args:
        record: what it came to so far.
        parts: its processes; the first had more to look at.
        share: seconds of measuring.
    """
    if len(parts) > 1:
        return _SLOWER * parts[-1].elapsed
    ready = sum(one.seconds for one in (record.preparation or {}).values())
    runs = sum(statistics.median(found) for found in record.seconds.values() if found)
    # The gate takes a run each, and the block that is begun when time is up two more.
    return PROCESS + AGAIN * ready + 3 * runs + share


def worth_another(record: ComparisonRecord, processes: int, each: float, budget: Budget) -> bool:
    """Whether the answer gets another process.

    Args:
        record: what it came to so far.
        processes: how many it had.
        each: seconds that another takes.
        budget: what is left. Once there are two processes a third is not given up for a few
            seconds.
    """
    if processes >= PROCESSES:
        return False
    if 1 < processes < AT_LEAST:
        return True
    narrow = record.speedup is not None and record.speedup.half_width <= PRECISION
    if processes >= AT_LEAST:
        return not narrow and each <= budget.left
    return (AT_LEAST - processes) * each <= budget.left
