"""`make selfcheck-slots`: what slots cost each other that measure at once on one machine.

One slot alone and all slots at once take turns, in an order that is drawn, on the same cores or
GPUs. Each measures the original against itself, whose ratio is 1, and against semi-backward, in a
fresh process. Writes into --out, a line a process as it goes: beside.jsonl (run again, it goes on),
then beside.md.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import math
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from scipy.stats import t as student

from bench import files
from bench.cases import A_A, SEMI_BACKWARD, Comparison
from bench.choosing.suites import Limits
from bench.kinds.request import Request
from bench.running.berths import Berth, Berths
from bench.running.engines.local import Local
from bench.running.measuring import Measuring, Spent
from bench.running.progress import PlainProgress
from bench.statistics import estimate
from semibackward_bench.grammar import counted
from tools import main_job

RESULTS = Path(__file__).resolve().parents[2] / "results" / "slots"
LIBRARIES = ("foolbox", "torchattacks")
EFFECTS = {A_A: "the original against itself", SEMI_BACKWARD: "semi-backward"}
WAYS = ("alone", "beside")
SECONDS = 3.0
"""Of measuring, for each process."""
ROUNDS = 6
CASE = ("--batch", "1", "--image-size", "64")
"""Small, so that a process has many blocks."""


@dataclass(frozen=True)
class Measured:
    """One process.

    Attributes:
        round, way, slot: which; `slot` is the number of the slot that measured, of `slots`.
        library, effect: what was measured.
        log_ratio: of the speedup.
        first: seconds of one run of the original, the median.
    """

    round: int
    way: str
    slots: int
    slot: int
    library: str
    effect: str
    log_ratio: float
    first: float


def measure(comparison: Comparison, berth: Berth) -> tuple[float, float]:
    """The log ratio of a comparison in a fresh process of a slot, and seconds of the original."""
    limits = Limits(0.001, SECONDS, 1, timeout=300.0)  # no interval is that narrow: time is up
    berth.pool.replace()
    record = Measuring(
        berth.pool,
        comparison,
        0,
        limits=limits,
        seed=0,
        progress=_Quiet(),
        spent=Spent(),
        deadline=time.perf_counter() + limits.patience,
        left=lambda seconds: seconds,
        gate_only=True,
        operations=False,
    ).run()
    first = [sample.seconds for block in record.blocks for sample in block.of("A")]
    return math.log(estimate.speedup(record.blocks).estimate), statistics.median(first)


def rounds(done: int, number: int, berths: Sequence[Berth], seed: int) -> Iterator[list[Measured]]:
    """One round after the other: what was measured in it.

    Args:
        done: rounds that were measured before.
        number: of all.
        berths: the slots, alike.
        seed: of the order of the two ways.
    """
    device = berths[0].device
    cases = {
        name: main_job.comparisons(["--libs", name, *CASE], device)[0].case for name in LIBRARIES
    }
    for round_ in range(done, number):
        chance = random.Random(seed * 1_000_003 + round_)
        found = []
        for library, case in cases.items():
            for effect in EFFECTS:
                for way in chance.sample(WAYS, len(WAYS)):
                    used = berths if way == "beside" else berths[:1]
                    comparison = Comparison(case, effect)
                    once = functools.partial(measure, comparison)
                    with ThreadPoolExecutor(len(used)) as at_once:
                        told = list(at_once.map(once, used))
                    found += [
                        Measured(round_, way, len(berths), slot, library, effect, *one)
                        for slot, one in enumerate(told)
                    ]
        yield found


def page(found: Sequence[Measured]) -> str:
    """The tables, and how to read them."""
    slots = found[0].slots
    count = len({one.round for one in found})
    head = ["library", "measured", "way", "processes", "ratio", "spread", "furthest from its mean"]
    rows = []
    for library in LIBRARIES:
        for effect, told in EFFECTS.items():
            for way in WAYS:
                ratios = [
                    one.log_ratio
                    for one in found
                    if (one.library, one.effect, one.way) == (library, effect, way)
                ]
                mean = statistics.fmean(ratios)
                rows.append(
                    [
                        library,
                        told,
                        "alone" if way == "alone" else f"beside {slots - 1} other",
                        str(len(ratios)),
                        f"{math.exp(mean):.3f}",
                        f"{statistics.stdev(ratios):.3f}",
                        f"{max(abs(ratio - mean) for ratio in ratios):.3f}",
                    ]
                )
    return (
        "# What slots cost each other\n\n"
        f"Made by `make selfcheck-slots`: {slots} slots of this machine, each with its own share of"
        f" the cores, in {counted(count, 'round')}, with the main job's case under"
        f" `{' '.join(CASE)}`. In each round one slot alone and all at once take turns,"
        f" {SECONDS:.0f} s a process. *Spread* is the standard deviation of the logarithm of the"
        " ratio from process to process: 0.010 is 1 %.\n\n"
        + _table([head, *rows])
        + "\n\nOf the first slot, the same round alone and beside others: seconds of the original,"
        " the latter over the former, with the 95 % interval of the mean over rounds; and how far"
        " the speedups of the two lie apart, likewise.\n\n"
        + _table([["library", "measured", "time", "speedup"], *_slowed(found)])
        + "\n"
    )


def _slowed(found: Sequence[Measured]) -> Iterator[list[str]]:
    first = {(o.library, o.effect, o.way, o.round): o for o in found if o.slot == 0}
    for library in LIBRARIES:
        for effect, told in EFFECTS.items():
            pairs = [
                (one, first[library, effect, "beside", number])
                for (lib, eff, way, number), one in first.items()
                if (lib, eff, way) == (library, effect, "alone")
            ]
            times = [math.log(beside.first / alone.first) for alone, beside in pairs]
            ratios = [beside.log_ratio - alone.log_ratio for alone, beside in pairs]
            yield [library, told, _mean(times), _mean(ratios)]


def _mean(logs: Sequence[float]) -> str:
    """The geometric mean of ratios with its interval, by Student's t."""
    mean, count = statistics.fmean(logs), len(logs)
    half = student.ppf(0.975, count - 1) * statistics.stdev(logs) / math.sqrt(count)
    return f"{math.exp(mean):.3f} [{math.exp(mean - half):.3f}, {math.exp(mean + half):.3f}]"


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


class _Quiet(PlainProgress):
    def note(self, text: str) -> None:
        """Nobody is told."""


def main() -> None:
    """Measure, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, help="default: every GPU, or 2 parts of a CPU")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    path = asked.out / "beside.jsonl"
    found = []
    if path.exists():
        found = [Measured(**json.loads(line)) for line in files.text(path).splitlines()]
    done = len({one.round for one in found})
    with contextlib.ExitStack() as stack:
        berths = _berths(asked.slots, stack)
        for new in rounds(done, asked.rounds, berths, asked.seed):
            with path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(asdict(one)) + "\n" for one in new)
            found += new
            print(f"round {new[0].round + 1} of {asked.rounds}", flush=True)
    files.write(asked.out / "beside.md", page(found))


def _berths(slots: int | None, stack: contextlib.ExitStack) -> list[Berth]:
    """As many slots as were asked for: GPUs, or parts of the CPU."""
    engine = Local(print, fork=True)
    with contextlib.ExitStack() as looking:
        there = Berths(Request(), engine, "keep", looking).all[0].facts["gpus"]
    wanted = slots or (len(there) or 2)
    berths = Berths(Request(slots=wanted), engine, "keep", stack).all
    for berth in berths:
        on_cpu = berth.device == "cpu"
        starter = berth.starter
        berth.pool.use(starter.on_cpu("keep") if on_cpu else starter.elsewhere())
    return berths


if __name__ == "__main__":
    main()
