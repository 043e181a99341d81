"""Made-up measurements with a known answer, as unpleasant as real ones.

For tests and `make coverage`. Every kind of noise is multiplicative, as on real
machines: the logarithms of the times get it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy
from numpy.random import Generator
from numpy.typing import NDArray

from bench.statistics import alone, blocks
from bench.statistics.alone import Stretch
from bench.statistics.blocks import Block, Sample

Array = NDArray[numpy.float64]

SPREAD = 0.03
"""Standard deviation of one run's log time, where nothing else is said: measured on two cores."""


@dataclass(frozen=True)
class World:
    """What a machine does to the times.

    Attributes:
        baseline, variant: standard deviations of the two programs' log times.
        draw: makes so many standardised noises.
        drift: rise of the log time over 100 blocks, on top of a slow wave of a third of it.
        memory: correlation of a run's disturbance with the next run's.
        ratio_memory: correlation of a disturbance of the ratio itself, block to block.
        phases: how many times noisier, and slower by half, some stretches of the run are.
        between: standard deviation of the log ratio between processes.
    """

    baseline: float = SPREAD
    variant: float = SPREAD
    draw: Callable[[Generator, int], Array] = lambda random, count: random.standard_normal(count)
    drift: float = 0.0
    memory: float = 0.0
    ratio_memory: float = 0.0
    phases: float = 1.0
    between: float = 0.0


def heavy_tails(random: Generator, count: int) -> Array:
    """Student's t with 2.5 degrees of freedom: no finite third moment."""
    return random.standard_t(2.5, count)


def spikes(random: Generator, count: int) -> Array:
    """Now and then a run is interrupted, and only ever slower for it."""
    struck = random.random(count) < 0.1
    return random.standard_normal(count) + struck * random.exponential(10, count)


WORLDS = {
    "calm": World(),
    "drift": World(drift=0.3),
    "autocorrelation": World(memory=0.95),
    "heavy tails": World(draw=heavy_tails),
    "spikes": World(draw=spikes),
    "unequal variance": World(baseline=0.06, variant=0.015),
    "noisy phases": World(phases=6.0),
    "unsteady ratio": World(ratio_memory=0.3),
    "all of it": World(0.06, 0.015, heavy_tails, 0.3, 0.95, 0.0, 6.0),
}


def measurement(world: World, ratio: float, random: Generator, process: int = 0) -> Iterator[Block]:
    """Blocks of one process, without end.

    Args:
        world: what disturbs them.
        ratio: true time of the baseline over the variant's.
        random: source of the noise.
        process: its number.
    """
    orders = blocks.orders(int(random.integers(2**32)))
    shift = math.log(ratio) + world.between * float(random.standard_normal())
    carried = 0.05 * float(random.standard_normal()) if world.memory else 0.0
    unsteady = SPREAD * float(random.standard_normal()) if world.ratio_memory else 0.0
    start, noisy, run = 6 * float(random.random()), False, 0
    while True:
        order = next(orders)
        noise = world.draw(random, 4).tolist()
        switches = random.random(4).tolist()
        shocks = random.standard_normal(5).tolist()
        samples = []
        for slot, letter in enumerate(order):
            run += 1
            noisy ^= world.phases > 1 and switches[slot] < 0.02
            spread = world.baseline if letter == "A" else world.variant
            log = spread * noise[slot] * (world.phases if noisy else 1.0) + 0.5 * noisy
            log += world.drift * (run / 400 + math.sin(run / 37 + start) / 3)
            if world.memory:
                innovation = 0.05 * math.sqrt(1 - world.memory**2)
                carried = world.memory * carried + innovation * shocks[slot]
                log += carried
            samples.append(Sample(math.exp(log + (shift + unsteady if letter == "A" else 0.0))))
        if world.ratio_memory:
            innovation = SPREAD * math.sqrt(1 - world.ratio_memory**2)
            unsteady = world.ratio_memory * unsteady + innovation * shocks[4]
        yield Block(process, order, tuple(samples))


@dataclass(frozen=True)
class GpuWorld:
    """What a GPU does to the times: next to no noise, but clocks that keep to one state for long.

    Attributes:
        speedups: time of the baseline over that of the variant, in each clock state.
        variant: seconds of its run in each of them.
        dwell: seconds for which a state lasts, on average; exponentially distributed.
        carry: log of how much longer a run of the baseline, and of the variant, takes after the
            other one.
        spread: standard deviation of one run's log time.
    """

    speedups: tuple[float, ...] = (1.5,)
    variant: tuple[float, ...] = (0.02,)
    dwell: float = math.inf
    carry: tuple[float, float] = (0.0, 0.0)
    spread: float = 0.003

    @property
    def truth(self) -> float:
        """The ratio of the mean times of the two programs, each run alone for long.

        Each state lasts equally long, so a program's runs in a given time are the mean of those it
        manages in each state, and its mean time is the inverse of that.
        """
        states = list(zip(self.speedups, self.variant, strict=True))
        return sum(1 / b for _, b in states) / sum(1 / (ratio * b) for ratio, b in states)


_STATES = (1.50, 1.46)
_ALIKE = math.sqrt(_STATES[0] / _STATES[1])
"""How many times slower the variant is in the second state for both to take as long on average."""

GPU_WORLDS = {
    "calm": GpuWorld(),
    **{
        f"{_name}, {_dwell:g} s": GpuWorld(_STATES, (0.02, 0.02 * _slower), _dwell)
        for _name, _slower in (("clocks 8 % apart", 1.08), ("levels alike", _ALIKE))
        for _dwell in (0.3, 3.0, 30.0)
    },
    **{
        f"carry-over: {_name}": GpuWorld(carry=(_baseline, _variant))
        for _name, _baseline, _variant in (
            ("original +1 %", 0.01, 0.0),
            ("original -1 %", -0.01, 0.0),
            ("variant +1 %", 0.0, 0.01),
            ("variant -1 %", 0.0, -0.01),
            ("both +1 %", 0.01, 0.01),
            ("both -1 %", -0.01, -0.01),
            ("+1 % and -1 %", 0.01, -0.01),
        )
    },
    "carry-over: variant +1 %, runs ten times as long": GpuWorld((1.5,), (0.2,), carry=(0.0, 0.01)),
}


class Gpu:
    """One process on such a GPU, in a clock state of its own.

    Args:
        world: how the GPU is.
        random: source of the noise.
        process: its number.
    """

    def __init__(self, world: GpuWorld, random: Generator, process: int = 0) -> None:
        self._world = world
        self._random = random
        self._process = process
        self._state = int(random.integers(len(world.speedups)))
        self._left = self._lasting()
        self._before = ""

    def blocks(self) -> Iterator[Block]:
        """Without end."""
        for order in blocks.orders(int(self._random.integers(2**32)), self._process):
            yield Block(self._process, order, tuple(self._run(letter) for letter in order))

    def alone(self, runs: Mapping[str, int]) -> list[Stretch]:
        """Each variant alone, so many runs at a time; nothing without any."""
        return [
            Stretch(self._process, name, [self._run(name).seconds for _ in range(runs[name])])
            for name in alone.ORDER
            if runs
        ]

    def _run(self, letter: str) -> Sample:
        """A run that changes its pace where the state changes within it."""
        carried = self._world.carry["AB".index(letter)] if self._before not in ("", letter) else 0.0
        self._before = letter
        factor = math.exp(carried + self._world.spread * float(self._random.standard_normal()))
        work, seconds = 1.0, 0.0
        while (rest := work * factor * self._seconds(letter)) > self._left:
            work *= 1 - self._left / rest
            seconds += self._left
            self._state = (self._state + 1) % len(self._world.speedups)
            self._left = self._lasting()
        self._left -= rest
        return Sample(seconds + rest)

    def _seconds(self, letter: str) -> float:
        ratio = self._world.speedups[self._state] if letter == "A" else 1.0
        return ratio * self._world.variant[self._state]

    def _lasting(self) -> float:
        dwell = self._world.dwell
        return dwell * float(self._random.standard_exponential()) if math.isfinite(dwell) else dwell
