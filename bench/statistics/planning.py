"""How many blocks a process of a case gets, and whether the case gets another process. Pure.

The interval is over processes, so time is best spent where they differ: what the first two show of
blocks and of processes tells how many blocks the next is worth, and the time which that saves buys
more processes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.statistics import estimate
from bench.statistics.blocks import Block
from bench.statistics.components import BETWEEN_SPEEDUP, blocks_worth, components
from bench.statistics.estimate import Speedup
from bench.statistics.stopping import PATIENCE, StopRule, measured

MOST_TIMES = 4
"""How many times the processes that were asked for a case may get."""


def blocks_of_next(blocks: Sequence[Block], before: Sequence[float]) -> float:
    """How many blocks the next process of a case is worth; infinite while nobody can tell.

    Args:
        blocks: of the processes so far.
        before: seconds that each of them took besides; the first one has checks that the others go
            without.

    What they differ by is taken to be at least half of what is usual, as a few say little of it.
    """
    if len(before) < 2:
        return math.inf
    found = components(blocks)
    each = measured(blocks) / len(blocks)
    between = max(found.between, (BETWEEN_SPEEDUP / 2) ** 2)
    return round(blocks_worth(found.within, between, max(0.0, min(before)), each))


def another(rule: StopRule, blocks: Sequence[Block], processes: int) -> bool:
    """Whether a case gets another process.

    Args:
        rule: what was asked of it.
        blocks: of the processes so far.
        processes: how many there were. One without a calm block does not count, and is made up for
            within four times the budget.
    """
    if processes < rule.processes or rule.processes == 1:
        return processes < rule.processes
    if processes >= MOST_TIMES * rule.processes:
        return False
    seconds = measured(blocks)
    if len({block.process for block in blocks if block.calm}) < rule.processes:
        return seconds < PATIENCE * rule.max_seconds
    return seconds < rule.max_seconds and not _narrow(estimate.speedup(blocks), rule)


def _narrow(found: Speedup, rule: StopRule) -> bool:
    """Whether an interval over processes is narrow enough, and not because a few happen to agree.

    A case that stopped at the first such chance would have intervals that the next run misses more
    often than they say (`make coverage`). So there must also be as many processes as those that
    differ by what is usual would need.
    """
    return max(found.half_width, _usual(found)) <= rule.precision


def agree(found: Speedup) -> bool:
    """Whether processes lie closer together than is usual, by chance or not."""
    return found.half_width < _usual(found)


def _usual(found: Speedup) -> float:
    """Half-width of the interval over so many processes, were they to differ by what is usual."""
    return estimate.half_width_of_next(BETWEEN_SPEEDUP, found.processes, found.confidence)
