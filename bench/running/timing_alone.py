"""Have a worker run each variant alone for a while, as `bench.statistics.alone` asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bench.statistics import alone
from bench.statistics.alone import Stretch
from bench.statistics.blocks import Block


def run(
    ask: Callable[[dict[str, Any]], dict[str, Any]],
    process: int,
    blocks: Sequence[Block],
    share: float,
) -> list[Stretch]:
    """Run both, after the blocks of a process.

    Args:
        ask: the worker, which still has the case prepared.
        process: its number.
        blocks: that it timed.
        share: seconds that it had for measuring.

    Returns:
        the stretches; none where they would take too long, where the GPU was throttled or used by
        strangers in one of them, and of a case in several parts: what follows one of its own kind
        there is another part.
    """
    runs = alone.runs(blocks, share)
    if not runs or any(block.part for block in blocks):
        return []
    asked = [letter * runs[letter] for letter in alone.ORDER]
    told = ask({"do": "blocks", "orders": asked, "parts": [0] * len(asked)})["blocks"]
    if any(one["spoilt"] for one in told):
        return []
    return [
        Stretch(process, letter, [sample["seconds"] for sample in one["samples"]])
        for letter, one in zip(alone.ORDER, told, strict=True)
    ]
