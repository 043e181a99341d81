"""What makes a log speedup vary: blocks, processes, runs of the program. Pure.

One-way random effects: a block's log ratio is the case's, plus its process's own deviation, plus
the block's. The variances are the classical estimates by the method of moments for groups of
unequal size (Searle, Casella and McCulloch, "Variance Components", 1992, section 3.6).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy

from bench.statistics.blocks import Block

BETWEEN_SPEEDUP = 0.02
"""Standard deviation of a log speedup from process to process: at most 0.019 for the libraries of
`results/replication/now`, without another program beside them."""
BETWEEN_RUNS_SPEEDUP = 0.005
"""The same from one run of the program to another, beyond what their processes differ by: there
from 0 to 0.006."""


def unseen(processes: int) -> float:
    """Standard deviation of a log speedup that its interval says nothing of.

    Args:
        processes: that the interval stands on. A single one does not know how far others lie from
            it, and none know how far the next run does.
    """
    return math.hypot(BETWEEN_SPEEDUP if processes == 1 else 0.0, BETWEEN_RUNS_SPEEDUP)


@dataclass(frozen=True)
class Components:
    """Variances of the log ratios of one comparison.

    Attributes:
        within: of a block in its process; 0 where no process has two blocks.
        between: of the processes, at least 0; 0 also where there are fewer than two.
        processes, blocks: how many went in.
    """

    within: float
    between: float
    processes: int
    blocks: int


def components(blocks: Iterable[Block]) -> Components:
    """The variances within and between processes, from the blocks that are not `repeated`."""
    groups: dict[int, list[float]] = {}
    for block in blocks:
        if not block.repeated:
            groups.setdefault(block.process, []).append(block.log_ratio)
    every = [numpy.array(group) for group in groups.values()]
    sizes = numpy.array([len(group) for group in every])
    processes, count = len(sizes), int(sizes.sum())
    if not count:
        return Components(0.0, 0.0, 0, 0)
    means = numpy.array([group.mean() for group in every])
    squares = sum(
        float(((group - mean) ** 2).sum()) for group, mean in zip(every, means, strict=True)
    )
    within = squares / (count - processes) if count > processes else 0.0
    if processes < 2:
        return Components(within, 0.0, processes, count)
    middle = float(sizes @ means) / count
    among = float(sizes @ (means - middle) ** 2) / (processes - 1)
    usual = (count - float(sizes @ sizes) / count) / (processes - 1)
    return Components(within, max(0.0, (among - within) / usual), processes, count)


def blocks_worth(within: float, between: float, process_cost: float, block_cost: float) -> float:
    """How many blocks of each process make the mean most exact for the time they take together.

    In a given time, the variance of the mean, (between + within / n) / processes, is least at
    n = sqrt(within / between * process_cost / block_cost) (Cochran, "Sampling Techniques", 1977,
    section 10.6, of clusters and their elements).

    Args:
        within: variance of a block in its process.
        between: variance of the processes.
        process_cost: seconds that a process takes before its first block.
        block_cost: seconds of a block, above 0.

    Returns:
        at least 1; infinite where processes do not differ, since one of them then does.
    """
    if between == 0:
        return math.inf
    return max(1.0, math.sqrt(within / between * process_cost / block_cost))
