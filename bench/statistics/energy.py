"""The energy of runs on a GPU, and how exact it is. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.statistics.blocks import Block

COARSE = 0.1
"""Share of a run that one period of the counter may be, before its energy is told with care."""


@dataclass(frozen=True)
class Energy:
    """What a GPU took for the runs, by its own counter (NVML); of the whole GPU, idling included.

    Attributes:
        joules: of each run of each way, in the order they were run.
        ratio: joules of the first way over the second's, of all runs that count; None where the
            counter never moved.
        period: seconds between two updates of the counter, as seen before timing, or at least so
            many. A run's energy may be off by as much as the GPU takes in it; None where nobody
            looked.
    """

    joules: dict[str, list[float]]
    ratio: float | None = None
    period: float | None = None


def of(blocks: Sequence[Block], names: tuple[str, str], period: float | None) -> Energy | None:
    """From the samples of all blocks; None unless every one has its joules.

    Args:
        blocks: in the order they were run.
        names: of the first and the second way.
        period: of the counter.
    """
    ways = dict(zip(names, "AB", strict=True))
    told = {
        name: [sample.joules for block in blocks for sample in block.of(letter)]
        for name, letter in ways.items()
    }
    joules = {name: [j for j in found if j is not None] for name, found in told.items()}
    if not blocks or any(len(joules[name]) < len(told[name]) for name in names):
        return None
    first, second = (mean(joules[name], _repeated(blocks)) for name in names)
    return Energy(joules, first / second if first and second else None, period)


def mean(joules: Sequence[float], repeated: Sequence[int]) -> float | None:
    """Of the runs that count, two to a block; None without any.

    Args:
        joules: of one way.
        repeated: numbers of the blocks that do not count.
    """
    left_out = set(repeated)
    counted = [value for run, value in enumerate(joules) if run // 2 not in left_out]
    return statistics.fmean(counted) if counted else None


def warnings(found: Energy | None, seconds: Mapping[str, Sequence[float]]) -> list[str]:
    """What the user should know, and do.

    Args:
        found: the energy.
        seconds: the samples of each way.
    """
    if found is None or found.period is None:
        return []
    shortest = min(statistics.median(samples) for samples in seconds.values())
    share = found.period / shortest
    if share <= COARSE:
        return []
    return [
        f"the GPU's counter of energy is updated every {found.period:.2g} s and a run takes"
        f" {shortest:.2g} s, so what it took is known to {100 * share:.0f} % at best; longer runs"
        " tell more: raise --batch or --steps"
    ]


def _repeated(blocks: Sequence[Block]) -> list[int]:
    return [number for number, block in enumerate(blocks) if block.repeated]
