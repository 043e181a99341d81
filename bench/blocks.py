"""Blocks: neighbouring runs of both variants, and the order they are run in. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Order = Literal["ABBA", "BAAB"]
"""A is the baseline, B the variant. Both orders cancel a drift that is linear over the block."""


@dataclass(frozen=True)
class Sample:
    """One timed run.

    Attributes:
        seconds: device time on CUDA, wall time elsewhere.
        host_seconds: wall time until the call returned to Python, on CUDA; None elsewhere.
    """

    seconds: float
    host_seconds: float | None = None


@dataclass(frozen=True)
class Block:
    """The samples of one block, in the order they were run.

    Attributes:
        process: number of the worker process, from 0.
        order: the variants' order.
        samples: one for each letter of the order.
    """

    process: int
    order: Order
    samples: tuple[Sample, ...]

    def of(self, letter: str) -> list[Sample]:
        """The samples of the baseline ("A") or of the variant ("B")."""
        pairs = zip(self.order, self.samples, strict=True)
        return [sample for run, sample in pairs if run == letter]


def orders(seed: int) -> Iterator[Order]:
    """Draw the order of each block from a seed, without end."""
    drawn = random.Random(seed)
    while True:
        yield drawn.choice(("ABBA", "BAAB"))
