"""`make coverage`: how often the 95 % intervals hold, on made-up data with a known answer.

The whole procedure runs, stop rule and looks included; time is counted in blocks. Prints Markdown.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy
from numpy.random import Generator
from numpy.typing import NDArray

from bench.statistics import estimate
from bench.statistics.blocks import Block
from bench.statistics.estimate import Speedup
from bench.statistics.stopping import Looks, StopRule
from tools import synthetic
from tools.synthetic import WORLDS, World

MOST_BLOCKS = 160
"""A process's budget."""
RESAMPLES = 400


@dataclass(frozen=True)
class Coverage:
    """What came of some repetitions.

    Attributes:
        covered: share of intervals that hold the true ratio.
        wrong: share of verdicts that contradict it: `faster` or `slower` between equals.
        precise: share that stopped because the interval was narrow enough.
        blocks: on average.
    """

    covered: float
    wrong: float
    precise: float
    blocks: float


def measure(
    world: World, ratio: float, rule: StopRule, random: Generator
) -> tuple[list[Block], Speedup, str]:
    """Run the procedure once: every process until it stops; the interval over all."""
    found: list[Block] = []
    reasons = []
    for process in range(rule.processes):
        looks, own = Looks(rule), []
        reason = None
        for block in synthetic.measurement(world, ratio, random, process):
            own.append(block)
            reason = looks.reason(own, rule.share * len(own) / MOST_BLOCKS)
            if reason:
                break
        assert reason is not None
        reasons.append(reason)
        found += own
    interval = estimate.speedup(found)
    return found, interval, rule.of_case(interval, reasons)


def coverage(world: World, ratio: float, rule: StopRule, repetitions: int, seed: int) -> Coverage:
    """Repeat the procedure."""
    covered = wrong = precise = blocks = 0
    for repetition in range(repetitions):
        random = numpy.random.default_rng([seed, repetition])
        _, found, reason = measure(world, ratio, rule, random)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= ratio <= found.high
        wrong += estimate.verdict(found) in ("faster", "slower")
        precise += reason == "precise"
        blocks += found.blocks
    shares = (covered / repetitions, wrong / repetitions, precise / repetitions)
    return Coverage(*shares, blocks / repetitions)


def bootstrap(blocks: Sequence[Block], random: Generator) -> tuple[float, float]:
    """What is not used: resample the processes, then the blocks in each; percentiles of the mean of
    the medians."""
    groups: dict[int, list[float]] = {}
    for block in blocks:
        groups.setdefault(block.process, []).append(block.log_ratio)
    medians: list[NDArray[numpy.float64]] = []
    for group in groups.values():
        picked = random.integers(0, len(group), (RESAMPLES, len(group)))
        medians.append(numpy.median(numpy.array(group)[picked], axis=1))
    stacked = numpy.stack(medians, axis=1)
    chosen = random.integers(0, len(groups), (RESAMPLES, len(groups)))
    centres = numpy.take_along_axis(stacked, chosen, axis=1).mean(axis=1)
    low, high = numpy.exp(numpy.quantile(centres, (0.025, 0.975)))
    return float(low), float(high)


def table_of_worlds(repetitions: int) -> list[str]:
    """One process: every world, two precisions, between equals.

    Another true ratio shifts every log ratio and changes nothing else.
    """
    lines = [
        "| one process | precision | covered | A/A verdicts that are wrong | precise | blocks |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, world in WORLDS.items():
        for precision in (0.02, 0.01):
            rule = StopRule(precision, 1.0)
            found = coverage(world, 1.0, rule, repetitions, seed=1)
            lines.append(
                f"| {name} | {precision} | {found.covered:.1%} | {found.wrong:.1%} |"
                f" {found.precise:.0%} | {found.blocks:.0f} |"
            )
    return lines


def table_of_processes(repetitions: int) -> list[str]:
    """Several processes, a quarter of the repetitions: the t interval, the bootstrap beside it."""
    repetitions = max(1, repetitions // 4)
    lines = [
        "| processes | they differ by | t interval: covered | half-width | bootstrap over processes"
        " and blocks: covered | half-width |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for processes in (3, 5, 8):
        for between in (0.0, 0.01, 0.05):
            world = replace(WORLDS["calm"], between=between)
            rule = StopRule(0.02, 1.0, processes)
            lines.append(_compared(world, rule, repetitions))
    return lines


def table_of_estimates(repetitions: int) -> list[str]:
    """One process of sixty blocks: error of the weighted median, and of the plain one."""
    lines = [
        "| sixty blocks | weighted median: error (rms) | plain median |",
        "| --- | ---: | ---: |",
    ]
    for name, world in WORLDS.items():
        errors: dict[str, list[float]] = {"weighted": [], "plain": []}
        for repetition in range(repetitions):
            random = numpy.random.default_rng([4, repetition])
            blocks = list(itertools.islice(synthetic.measurement(world, 1.0, random), 60))
            errors["weighted"].append(math.log(estimate.speedup(blocks).estimate))
            errors["plain"].append(float(numpy.median([block.log_ratio for block in blocks])))
        cells = [f"{100 * numpy.sqrt(numpy.mean(numpy.square(e))):.2f} %" for e in errors.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _compared(world: World, rule: StopRule, repetitions: int) -> str:
    held: dict[str, int] = {"t": 0, "bootstrap": 0}
    widths: dict[str, list[float]] = {"t": [], "bootstrap": []}
    for repetition in range(repetitions):
        random = numpy.random.default_rng([3, repetition])
        blocks, found, _ = measure(world, 1.5, rule, random)
        assert found.low is not None
        assert found.high is not None
        ends = {"t": (found.low, found.high), "bootstrap": bootstrap(blocks, random)}
        for name, (low, high) in ends.items():
            held[name] += low <= 1.5 <= high
            widths[name].append(math.log(high / low) / 2)
    cells = [
        f"{held[name] / repetitions:.1%} | {100 * numpy.median(widths[name]):.2f} %"
        for name in ("t", "bootstrap")
    ]
    return f"| {rule.processes} | {world.between:.0%} | {' | '.join(cells)} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tools.coverage", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1000)
    repetitions = parser.parse_args().repetitions
    makers: tuple[Callable[[int], list[str]], ...] = (
        table_of_worlds,
        table_of_processes,
        table_of_estimates,
    )
    print(
        f"Nominal 95 %; {repetitions} repetitions of each line,"
        f" {max(1, repetitions // 4)} where there are several processes.\n"
    )
    print("\n\n".join("\n".join(make(repetitions)) for make in makers))


if __name__ == "__main__":
    main()
