"""Made-up measurements with a known answer, as unpleasant as real ones.

For tests and `make coverage`. Every kind of noise is multiplicative, as on real
machines: the logarithms of the times get it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy
from numpy.random import Generator
from numpy.typing import NDArray

from bench.statistics import blocks
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
        noise = world.draw(random, 4)
        switches = random.random(4)
        shocks = random.standard_normal(5)
        samples = []
        for slot, letter in enumerate(order):
            run += 1
            noisy ^= world.phases > 1 and bool(switches[slot] < 0.02)
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
