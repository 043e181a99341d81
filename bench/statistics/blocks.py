"""Blocks: neighbouring runs of both variants, and the order they are run in. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

Order = Literal["ABBA", "BAAB"]
"""A is the baseline, B the variant. Both orders cancel a drift that is linear over the block."""


@dataclass(frozen=True)
class Sample:
    """One timed run.

    Attributes:
        seconds: device time on CUDA, wall time elsewhere.
        host_seconds: wall time until the call returned to Python, on CUDA; None elsewhere.
        faults: minor page faults meanwhile: pages that the kernel had to find and to clear. Counted
            with the wall clock; None where nobody counts them.
        joules: that the GPU took, from before the run until after the device was done; None where
            nobody counts them.
    """

    seconds: float
    host_seconds: float | None = None
    faults: int | None = None
    joules: float | None = None


@dataclass(frozen=True)
class GpuState:
    """What NVML said of the GPU during a block: the worst of its four runs; None of what it can't.

    Attributes:
        sm_mhz, memory_mhz: the lowest clocks that were seen.
        celsius: the highest temperature.
        reasons: every reason that was seen to hold the clocks down, by NVML's names.
        power_violation, thermal_violation: seconds in which the power cap, or heat, held the clocks
            down, counted over all four; None too in records made before these were kept.
        strangers: how many processes that are not ours were seen to use the GPU at once, at least;
            None too in records made before this was kept.
        stranger_names: of their programs, where they can be read.
    """

    sm_mhz: int | None = None
    memory_mhz: int | None = None
    celsius: int | None = None
    reasons: tuple[str, ...] = ()
    power_violation: float | None = None
    thermal_violation: float | None = None
    strangers: int | None = None
    stranger_names: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> GpuState:
        """From what `dataclasses.asdict` made of it, and JSON of that."""
        listed = {name: tuple(told.get(name, ())) for name in ("reasons", "stranger_names")}
        return cls(**{**told, **listed})


def worst(states: Iterable[GpuState]) -> GpuState | None:
    """The lowest clocks, the highest temperature, every reason, all times together, the most
    strangers; None of nothing."""
    states = list(states)
    if not states:
        return None

    def of(what: str, choose: Callable[[list[Any]], Any]) -> Any:
        told = [value for state in states if (value := getattr(state, what)) is not None]
        return choose(told) if told else None

    return GpuState(
        of("sm_mhz", min),
        of("memory_mhz", min),
        of("celsius", max),
        tuple(dict.fromkeys(reason for state in states for reason in state.reasons)),
        of("power_violation", sum),
        of("thermal_violation", sum),
        of("strangers", max),
        tuple(dict.fromkeys(name for state in states for name in state.stranger_names)),
    )


CALM = 0.1
"""Spread of a block's runs below which nothing that matters came between them. On a shared machine
half the blocks spread by less than 0.06, and their log ratios differ by 0.02; of those that spread
by more than 0.1, a quarter, by up to 0.1 and more. As A and B count alike in the spread, asking for
blocks that are calm favours neither."""


@dataclass(frozen=True)
class Block:
    """The samples of one block, in the order they were run.

    Attributes:
        process: number of the worker process, from 0.
        order: the variants' order.
        samples: one for each letter of the order.
        repeated: whether the GPU was throttled, or strangers used it, so that the block was run
            again and does not count.
        gpu: its state, where NVML tells.
        part: of the case that was run, where it has several: the number of the sentence, from 0.
    """

    process: int
    order: Order
    samples: tuple[Sample, ...]
    repeated: bool = False
    gpu: GpuState | None = None
    part: int = 0

    def of(self, letter: str) -> list[Sample]:
        """The samples of the baseline ("A") or of the variant ("B")."""
        pairs = zip(self.order, self.samples, strict=True)
        return [sample for run, sample in pairs if run == letter]

    @cached_property
    def log_ratio(self) -> float:
        """log(mean time of the baseline / mean time of the variant)."""
        baseline, variant = (self.of(letter) for letter in "AB")
        return math.log(
            (baseline[0].seconds + baseline[1].seconds) / (variant[0].seconds + variant[1].seconds)
        )

    @cached_property
    def calm(self) -> bool:
        """Whether it counts and nothing held up one of its runs."""
        return not self.repeated and self.spread < CALM

    @cached_property
    def spread(self) -> float:
        """How far the runs of the same variant lie apart: root of the summed squares of their log
        ratios."""
        baseline, variant = (self.of(letter) for letter in "AB")
        return math.hypot(
            math.log(baseline[0].seconds / baseline[1].seconds),
            math.log(variant[0].seconds / variant[1].seconds),
        )


def parts(seed: int, count: int) -> Iterator[int]:
    """The part of each block, without end: all of them in an order drawn from the seed, then again.

    Args:
        seed: of the order.
        count: number of parts, at least 1.
    """
    drawn = random.Random(seed)
    while True:
        yield from drawn.sample(range(count), count)


ORDERS: tuple[Order, Order] = ("ABBA", "BAAB")


def orders(seed: int, process: int = 0) -> Iterator[Order]:
    """Draw the order of each block from a seed, without end.

    A process may have a block or two, and what the outer runs of a block meet shall favour no
    variant: of each two blocks one has either order, and so have the first blocks of processes
    2 k and 2 k + 1, the second ones, and so on.
    """
    drawn = random.Random(seed * 1_000_003 + process // 2)
    while True:
        first = drawn.randrange(2)
        yield ORDERS[first ^ process % 2]
        yield ORDERS[1 ^ first ^ process % 2]
