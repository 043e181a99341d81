"""The rows of `make coverage` on a GPU: clocks that keep to a state, runs that leave something.

No interval over one process of seconds can hold what changes over minutes. So what is asked here is
that the truth lies in it, or that the record carries a warning that says why it may not.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from numpy.random import Generator

from bench.statistics import alone, diagnosis, estimate, planning
from bench.statistics.alone import Stretch
from bench.statistics.blocks import Block
from bench.statistics.estimate import Speedup
from bench.statistics.stopping import Looks, StopRule, measured
from tools.synthetic import GPU_WORLDS, Gpu, GpuWorld

PROCESS_SECONDS = 10.0
"""That a process takes besides: imports, CUDA's context, the gate."""
ASKED = ((1, 0.02, 15.0), (1, 0.01, 15.0), (3, 0.02, 9.0), (3, 0.02, 15.0), (5, 0.02, 15.0))
"""Processes, precision, and seconds for all of them: 15 is the default, 9 has time for no more
than three. Of those with a carry-over, which does not depend on clocks, the first and the last."""
LASTING = 30.0
"""Seconds of a state that outlasts what processes measure."""
KINDS = {
    "carry-over": "which variant ran before",
    "a stretch": "in a stretch of the run",
    "alone": "each variant ran alone",
    "of one process": "of one process",
    "few agree": "so few may",
}
"""The warnings that speak against a speedup, by words of theirs."""


@dataclass(frozen=True)
class Measured:
    """One record, as far as it matters here.

    Attributes:
        speedup: the estimate with its interval.
        warnings: of the diagnosis.
    """

    speedup: Speedup
    warnings: list[str]

    def warned(self, kinds: Sequence[str] = tuple(KINDS)) -> bool:
        """Whether it carries a warning of one of these kinds."""
        return any(KINDS[kind] in text for kind in kinds for text in self.warnings)


def measure(world: GpuWorld, rule: StopRule, random: Generator) -> Measured:
    """Run the whole procedure once, as on a GPU: processes, blocks, each variant alone."""
    found: list[Block] = []
    stretches: list[Stretch] = []
    processes = 0
    while planning.another(rule, found, processes):
        gpu, own, seconds = Gpu(world, random, processes), [], 0.0
        looks = Looks(rule, planning.blocks_of_next(found, [PROCESS_SECONDS] * processes))
        for block in gpu.blocks():
            own.append(block)
            seconds += measured([block])
            if looks.reason(own, seconds):
                break
        stretches += gpu.alone(alone.runs(own, rule.share))
        found += own
        processes += 1
    interval = estimate.speedup(found)
    told = diagnosis.diagnose(found, stretches=stretches)
    return Measured(interval, diagnosis.warnings(told, found, [], interval, "cuda:0"))


OBSERVED = ("carry-over", "a stretch", "alone")
"""The warnings of what the samples show; the others are of what they can't."""


@dataclass(frozen=True)
class Row:
    """What came of some repetitions: shares of them.

    Attributes:
        processes: on average.
        truth: whose interval holds the true ratio.
        next: whose interval holds the next run's estimate, where there are several processes.
        warned: that carry a warning, by its kind.
        seen: whose interval holds the truth, or that carry a warning of what the samples show.
        truth_or_warned, next_or_warned: that are covered, or carry a warning.
    """

    processes: float
    truth: float
    next: float
    warned: dict[str, float]
    seen: float
    truth_or_warned: float
    next_or_warned: float


def row(world: GpuWorld, rule: StopRule, repetitions: int, seed: int) -> Row:
    """Repeat the procedure; where there are several processes, with a next run after each."""
    found: list[Measured] = []
    later: list[float] = []
    for repetition in range(repetitions):
        found.append(measure(world, rule, numpy.random.default_rng([seed, repetition])))
        if rule.processes > 1:
            again = measure(world, rule, numpy.random.default_rng([seed, repetition, 1]))
            later.append(again.speedup.estimate)
    truth = [_holds(one.speedup, world.truth) for one in found]
    held = [_holds(one.speedup, ratio) for one, ratio in zip(found, later, strict=False)]
    warned = [one.warned() for one in found]
    seen = [one.warned(OBSERVED) for one in found]
    return Row(
        processes=sum(one.speedup.processes for one in found) / repetitions,
        truth=sum(truth) / repetitions,
        next=sum(held) / repetitions,
        warned={kind: sum(one.warned([kind]) for one in found) / repetitions for kind in KINDS},
        seen=sum(map(operator.or_, truth, seen)) / repetitions,
        truth_or_warned=sum(map(operator.or_, truth, warned)) / repetitions,
        next_or_warned=sum(map(operator.or_, held, warned)) / repetitions,
    )


def _holds(found: Speedup, ratio: float) -> bool:
    return found.low is not None and found.high is not None and found.low <= ratio <= found.high


def table(repetitions: int) -> list[str]:
    """Every world, with one process at two precisions and with several.

    A quarter of the repetitions; all of them where five processes meet states that outlast them,
    since what is asked is met there by least.
    """
    lines = [
        "| on a GPU | processes asked for | precision | seconds | processes |"
        " truth in the interval | next run in it |"
        + "".join(f" warned: {kind} |" for kind in KINDS)
        + " truth, or warned of what was seen | truth, or warned | next run, or warned |",
        "| --- |" + " ---: |" * (len(KINDS) + 9),
    ]
    for (name, world), asked in itertools.product(GPU_WORLDS.items(), ASKED):
        if any(world.carry) and asked not in (ASKED[0], ASKED[-1]):
            continue
        processes, precision, seconds = asked
        rule = StopRule.for_device("cuda:0", precision, seconds, processes)
        several = processes > 1
        close = several and seconds == ASKED[-1][-1] and LASTING <= world.dwell < math.inf
        one = row(world, rule, repetitions if close else max(1, repetitions // 4), seed=6)
        cells = [
            f"{one.processes:.1f}",
            f"{one.truth:.1%}",
            f"{one.next:.1%}" if several else "-",
            *(f"{share:.1%}" for share in (*one.warned.values(), one.seen, one.truth_or_warned)),
            f"{one.next_or_warned:.1%}" if several else "-",
        ]
        asked_for = f"{processes} | {precision} | {seconds:g}"
        lines.append(f"| {name} | {asked_for} | {' | '.join(cells)} |")
    return lines
