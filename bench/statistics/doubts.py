"""What speaks against a speedup by more than its interval allows for, in words. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.statistics import planning, stopping
from bench.statistics.alone import Alone
from bench.statistics.blocks import Block
from bench.statistics.carry_over import CarryOver
from bench.statistics.estimate import FEW_PROCESSES, Speedup
from bench.statistics.levels import Level

TELLS_MORE = f"--processes {FEW_PROCESSES} tells more"
"""How a warning of too few processes ends."""


def of_what_was_seen(
    interval: Speedup, carried: CarryOver | None, level: Level | None, alone: Alone | None
) -> list[str]:
    """What the samples show.

    Args:
        interval: the speedup that they came to.
        carried, level, alone: what was diagnosed.
    """
    said: list[str] = []
    if carried is not None and carried.biases(interval):
        corrected = interval.estimate * math.exp(-carried.bias)
        said.append(
            "a run's time depends on which variant ran before it, so the speedup may be off by"
            f" {_percent(carried.bias)}; where one variant runs alone, quote {corrected:.3f}, the"
            " ratio of runs that follow one of the same variant"
        )
    if level is not None and level.outside(interval):
        more = max(FEW_PROCESSES, 2 * interval.processes)
        said.append(
            f"the speedup was {_percent(level.away)} {'higher' if level.away > 0 else 'lower'} in a"
            " stretch of the run than in the whole of its process, more than noise"
            " explains and outside the interval; more processes meet more such stretches:"
            f" --processes {more}"
        )
    if alone is not None and alone.differs(interval):
        said.append(
            f"where each variant ran alone for a while, the ratio was {alone.ratio:.3f}, outside"
            " the interval; quote it beside the speedup, or measure longer: --max-seconds"
        )
    return said


def of_what_was_not(interval: Speedup, blocks: Sequence[Block], device: str) -> list[str]:
    """What no sample can show: what changes more slowly than the processes lasted.

    A GPU may keep one clock state for longer than a process is measured, and few processes may all
    meet the same; `make coverage` shows how often.

    Args:
        interval: the speedup that they came to.
        blocks: of all processes.
        device: torch's name of what they ran on.
    """
    if not device.startswith("cuda"):
        return []
    if interval.processes == 1:
        return [
            f"measured over {stopping.measured(blocks):.0f} s of one process: the interval leaves"
            f" out what changes more slowly, as clock speeds may; {TELLS_MORE}"
        ]
    if interval.processes < FEW_PROCESSES and planning.agree(interval):
        return [
            f"{interval.processes} processes agree, but so few may do so only by meeting the same"
            f" clock speeds; {TELLS_MORE}"
        ]
    return []


def _percent(log: float) -> str:
    return f"{100 * math.expm1(abs(log)):.1f} %"
