"""Two runs timed in turns on the CPU, in blocks of ABBA and BAAB: what several tools share."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence

from bench.statistics.blocks import Block, Sample, orders
from bench.statistics.estimate import Speedup


def measure(runs: Mapping[str, Callable[[], object]], blocks: int) -> list[Block]:
    """Blocks of two runs, A and B, in turns."""
    for run in runs.values():
        timed(run)  # what a first pass pays, no later one does
    order = itertools.islice(orders(seed=0), blocks)
    return [Block(0, o, tuple(Sample(timed(runs[letter])) for letter in o)) for o in order]


def timed(run: Callable[[], object]) -> float:
    """Seconds of one run."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def mean(blocks: Sequence[Block], letter: str = "A") -> float:
    """Seconds of one of the two runs."""
    seconds = [sample.seconds for block in blocks for sample in block.of(letter)]
    return sum(seconds) / len(seconds)


def told(found: Speedup, digits: int = 2) -> str:
    """A ratio and its interval, as two cells of a table."""
    ends = (found.low, found.high)
    interval = " to ".join("-" if end is None else f"{end:.{digits}f}" for end in ends)
    return f"{found.estimate:.{digits}f} | {interval}"
