"""`make coverage`: how often the 95 % intervals hold, on made-up data with a known answer.

What a reader expects of an interval over several processes is the estimate of the next run in it;
of the true ratio too, and that interval is narrower.

The whole procedure runs: looks and the stop rule in each process, how many blocks the next one is
worth, and whether there is another. A process's own time is counted in blocks. Prints Markdown.
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

from bench.statistics import estimate, planning
from bench.statistics.blocks import Block
from bench.statistics.estimate import Speedup
from bench.statistics.stopping import Looks, StopReason, StopRule
from semibackward_bench.grammar import counted
from tools import clock_coverage, synthetic
from tools.synthetic import WORLDS, World

MOST_BLOCKS = 160
"""A process's budget, where nothing else is said."""
MAIN_JOB_BLOCKS = 2
"""What it is about in `make bench`."""
PROCESS_COST = 1.5
"""Blocks that a process could have measured in the time that it takes besides: in `make bench`."""
RESAMPLES = 400


@dataclass(frozen=True)
class Coverage:
    """What came of some repetitions.

    Attributes:
        covered: share of intervals of the true ratio that hold it.
        wrong: share of verdicts that contradict it: `faster` or `slower` between equals.
        precise: share that stopped because the interval was narrow enough.
        blocks: on average.
    """

    covered: float
    wrong: float
    precise: float
    blocks: float


def stop_rule(
    ratio: float, precision: float, processes: int = 1, blocks: int = MOST_BLOCKS
) -> StopRule:
    """What is asked of a case, with time for so many blocks in each of its processes."""
    return StopRule(precision, processes * blocks * _seconds(ratio), processes)


def _seconds(ratio: float) -> float:
    """That a block takes, where nothing disturbs it: the variant runs for one."""
    return 2 * (1 + ratio)


def measure(
    world: World, ratio: float, rule: StopRule, random: Generator
) -> tuple[list[Block], Speedup, str]:
    """Run the procedure once: every process until it stops; the interval over all."""
    found: list[Block] = []
    before: list[float] = []
    reasons: list[StopReason] = []
    while planning.another(rule, found, len(reasons)):
        looks, own = Looks(rule, planning.blocks_of_next(found, before)), []
        reason = None
        for block in synthetic.measurement(world, ratio, random, len(reasons)):
            own.append(block)
            reason = looks.reason(own, len(own) * _seconds(ratio))
            if reason:
                break
        assert reason is not None
        reasons.append(reason)
        before.append(PROCESS_COST * _seconds(ratio))
        found += own
    interval = estimate.speedup(found)
    return found, interval, rule.of_case(interval, reasons)


def coverage(world: World, ratio: float, rule: StopRule, repetitions: int, seed: int) -> Coverage:
    """Repeat the procedure."""
    covered = wrong = precise = blocks = 0
    for repetition in range(repetitions):
        random = numpy.random.default_rng([seed, repetition])
        _, found, reason = measure(world, ratio, rule, random)
        covered += _holds(of_truth(found), ratio)
        wrong += estimate.verdict(found) in ("faster", "slower")
        precise += reason == "precise"
        blocks += found.blocks
    shares = (covered / repetitions, wrong / repetitions, precise / repetitions)
    return Coverage(*shares, blocks / repetitions)


@dataclass(frozen=True)
class Interval:
    """How often one kind of interval held what it is for.

    Attributes:
        held: share of the repetitions.
        half_width: of the log ratio, the median.
    """

    held: float
    half_width: float


def intervals(
    world: World,
    ratio: float,
    rule: StopRule,
    repetitions: int,
    seed: int,
    *,
    unused: bool = False,
) -> tuple[float, dict[str, Interval]]:
    """Repeat the procedure, and each time a next run after it, of which nothing was known.

    Args:
        world: what disturbs it.
        ratio: the true one.
        rule: when to stop.
        repetitions: how many.
        seed: of the noise.
        unused: whether to make the bootstrap's interval too, which is the slowest part.

    Returns:
        how many processes there were on average; `truth`: the interval of the true ratio; `next`:
        the printed one, of the next run's estimate; `bootstrap`: what nothing else uses, for the
        true ratio.
    """
    processes = 0
    held: dict[str, list[bool]] = {}
    widths: dict[str, list[float]] = {}
    for repetition in range(repetitions):
        random = numpy.random.default_rng([seed, repetition])
        blocks, found, _ = measure(world, ratio, rule, random)
        _, later, _ = measure(world, ratio, rule, numpy.random.default_rng([seed, repetition, 1]))
        processes += len({block.process for block in blocks})
        made = [("truth", of_truth(found), ratio), ("next", _ends(found), later.estimate)]
        if unused:
            made.append(("bootstrap", bootstrap(blocks, random), ratio))
        for name, ends, wanted in made:
            held.setdefault(name, []).append(_holds(ends, wanted))
            widths.setdefault(name, []).append(math.log(ends[1] / ends[0]) / 2)
    return processes / repetitions, {
        name: Interval(sum(holds) / repetitions, float(numpy.median(widths[name])))
        for name, holds in held.items()
    }


def of_truth(found: Speedup) -> tuple[float, float]:
    """Ends of the interval of the true ratio: over processes, the printed one's narrower relative;
    of a single process, the printed one, as if others were no different."""
    if not found.of_next_run:
        return _ends(found)
    half = estimate.t_quantile(found.degrees, found.confidence) * found.error
    return found.estimate * math.exp(-half), found.estimate * math.exp(half)


def _ends(found: Speedup) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def _holds(ends: tuple[float, float], value: float) -> bool:
    return ends[0] <= value <= ends[1]


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
            found = coverage(world, 1.0, stop_rule(1.0, precision), repetitions, seed=1)
            lines.append(
                f"| {name} | {precision} | {found.covered:.1%} | {found.wrong:.1%} |"
                f" {found.precise:.0%} | {found.blocks:.0f} |"
            )
    return lines


def table_of_processes(repetitions: int) -> list[str]:
    """One process and several that differ, a quarter of the repetitions: what each interval holds.

    The interval of a single process is printed as what it is, within this process; the next run is
    another process. Of its budget, a case has time for so many blocks in each process that was
    asked for; it may get more processes.
    """
    repetitions = max(1, repetitions // 4)
    lines = [
        "| processes asked for | blocks each | they differ by | processes | true ratio in its"
        " interval | half-width | next run in the printed interval | half-width | true ratio in a"
        " bootstrap's | half-width |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    budgets = ((1, MOST_BLOCKS), *itertools.product((3, 5, 8), (MAIN_JOB_BLOCKS, MOST_BLOCKS)))
    for (processes, blocks), between in itertools.product(budgets, (0.0, 0.03, 0.1)):
        world = replace(WORLDS["calm"], between=between)
        rule = stop_rule(1.5, 0.02, processes, blocks)
        had, found = intervals(world, 1.5, rule, repetitions, seed=3, unused=True)
        cells = [f"{one.held:.1%} | {100 * one.half_width:.2f} %" for one in found.values()]
        lines.append(
            f"| {processes} | {blocks} | {between:.0%} | {had:.1f} | {' | '.join(cells)} |"
        )
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


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tools.coverage", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1000)
    repetitions = parser.parse_args().repetitions
    makers: tuple[Callable[[int], list[str]], ...] = (
        table_of_worlds,
        table_of_processes,
        table_of_estimates,
        clock_coverage.table,
    )
    print(
        f"Nominal 95 %; {counted(repetitions, 'repetition')} of each line,"
        f" {max(1, repetitions // 4)} of the second table's and of the last"
        " one's, where 30 s with time for five processes have all.\n"
    )
    print("\n\n".join("\n".join(make(repetitions)) for make in makers))


if __name__ == "__main__":
    main()
