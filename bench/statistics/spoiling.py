"""What spoils a block on a GPU, so that it is run again: throttling, and strangers. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.statistics.blocks import Block, GpuState
from semibackward_bench.grammar import counted, form

_UNCOUNTED = frozenset({"power brake"})
"""The power supply's, which no counter counts."""
THROTTLED = _UNCOUNTED | {
    "hardware slowdown",
    "software thermal slowdown",
    "hardware thermal slowdown",
}
"""NVML's reasons that spoil a block. At its power cap a GPU works as it always does under load."""


def spoilt(state: GpuState | None) -> bool:
    """Whether a block in this state has to be repeated."""
    return throttled(state) or beside_strangers(state)


def throttled(state: GpuState | None) -> bool:
    """Whether something but the power cap held the clocks down.

    What heat did is told by its counter, where there is one: it misses nothing between two looks.
    """
    if state is None:
        return False
    if state.thermal_violation is None:
        return not THROTTLED.isdisjoint(state.reasons)
    return state.thermal_violation > 0 or not _UNCOUNTED.isdisjoint(state.reasons)


def beside_strangers(state: GpuState | None) -> bool:
    """Whether other processes than ours used the GPU."""
    return state is not None and bool(state.strangers)


def warnings(blocks: Sequence[Block]) -> list[str]:
    """What the user should know of the GPU, and do.

    Args:
        blocks: of all processes.
    """
    return [*_of_strangers(blocks), *_of_throttling(blocks)]


def _of_strangers(blocks: Sequence[Block]) -> list[str]:
    beside = [block for block in blocks if beside_strangers(block.gpu)]
    states = [block.gpu for block in beside if block.gpu is not None]
    if not states:
        return []
    most = max(state.strangers or 0 for state in states)
    names = dict.fromkeys(name for state in states for name in state.stranger_names)
    known = f" ({', '.join(names)})" if names else ""
    others = counted(most, "other process", "other processes")
    return [
        f"{others} used this GPU{known} beside {_what_became_of(beside)}; stop"
        f" {form(most, 'it', 'them')}, or take another GPU (--device, --devices)"
    ]


def _of_throttling(blocks: Sequence[Block]) -> list[str]:
    held = [
        block
        for block in blocks
        if throttled(block.gpu) or (block.repeated and not beside_strangers(block.gpu))
    ]
    if held:
        return [
            f"the GPU was throttled in {_what_became_of(held)}; improve its cooling or power before"
            " you quote absolute times"
        ]
    if any(block.gpu is not None and "power cap" in block.gpu.reasons for block in blocks):
        return [
            "the GPU ran at its power cap; quote absolute times together with the clocks in the"
            " record"
        ]
    return []


def _what_became_of(spoilt: Sequence[Block]) -> str:
    if all(block.repeated for block in spoilt):
        return "some blocks, which were run again"
    return f"more blocks than are run again, so that {sum(not b.repeated for b in spoilt)} count"
