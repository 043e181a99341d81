"""Made up for the purpose: blocks of two times, noisy ones, and intervals."""

from __future__ import annotations

import itertools
import math

import numpy

from bench.statistics.blocks import Block, Order, Sample
from bench.statistics.estimate import Speedup
from tools import synthetic
from tools.synthetic import World


def block(a: float, b: float, order: Order = "ABBA", process: int = 0) -> Block:
    times = {"A": a, "B": b}
    return Block(process, order, tuple(Sample(times[letter]) for letter in order))


def noisy(ratio: float, count: int, seed: int, processes: int = 1) -> list[Block]:
    random = numpy.random.default_rng(seed)
    return [
        block
        for process in range(processes)
        for block in itertools.islice(synthetic.measurement(World(), ratio, random, process), count)
    ]


def interval(low: float, high: float, blocks: int = 100) -> Speedup:
    return Speedup(math.sqrt(low * high), low, high, 0.95, 1, blocks, "made up")
