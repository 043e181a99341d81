"""`make processes`: do forked workers differ among themselves as fresh ones do, and how soon are
they ready?

Both ways of starting a worker take turns, each with memory kept and as the system gives it; those
that are forked come from several templates in turn, since forks of one share where it lies. Writes
into --out: processes.jsonl as it goes (run again, it goes on), then processes.md, with what a
worker's imports take.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import math
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scipy.stats import f as fisher
from scipy.stats import f_oneway

from bench import files
from bench.choosing.suites import Limits
from bench.records.memory import MemoryPolicy
from bench.running.measuring import Measuring, Spent
from bench.running.pool import WorkerPool
from bench.running.progress import PlainProgress
from bench.running.starting import Starting
from bench.statistics import estimate
from tools import main_job

RESULTS = Path(__file__).resolve().parent.parent / "results" / "processes"
WAYS = ("forked", "afresh")
POLICIES: tuple[MemoryPolicy, ...] = ("keep", "system")
LIBRARIES = ("cleverhans", "foolbox")
IMAGE_LIBRARIES = ("torchattacks", "foolbox", "art", "advertorch", "deeprobust", "cleverhans")
BLOCKS = 4
TEMPLATES = 3


@dataclass(frozen=True)
class Measured:
    """One process.

    Attributes:
        library, way, policy, number: which; forks of a template are TEMPLATES numbers apart.
        start: seconds until the worker had imported everything and answered.
        prepare: seconds until the case was built and checked.
        first: seconds of one run of the original, the median.
        log_ratio: of the speedup, the weighted median of its blocks.
        faults: minor faults of a run of the original, the median.
    """

    library: str
    way: str
    policy: str
    number: int
    start: float
    prepare: float
    first: float
    log_ratio: float
    faults: float


def measure(pool: WorkerPool, library: str, way: str, policy: str, number: int) -> Measured:
    """Start a worker, and time a few blocks in it."""
    (comparison,) = main_job.comparisons(["--libs", library], "cpu")
    pool.replace()
    started = time.perf_counter()
    worker = pool.get(library, comparison.case.options.building)
    loaded = worker.ask({"do": "load", "library": library}, 300.0)
    if not loaded["ok"]:
        raise SystemExit(loaded["reason"])
    start = time.perf_counter() - started
    limits = Limits(precision=1e-6, max_seconds=600.0, processes=2)
    spent = Spent()
    found = Measuring(
        pool,
        comparison,
        number,
        limits=limits,
        seed=0,
        progress=PlainProgress(),
        spent=spent,
        deadline=time.perf_counter() + limits.patience,
        left=lambda seconds: seconds,
        gate_only=True,
        most=BLOCKS,
    ).run()
    pool.replace()
    original = [sample for block in found.blocks if block.calm for sample in block.of("A")]
    return Measured(
        library,
        way,
        policy,
        number,
        round(start, 3),
        round(spent.building + spent.checks, 3),
        statistics.median(sample.seconds for sample in original),
        math.log(estimate.speedup(found.blocks).estimate),
        statistics.median(sample.faults or 0 for sample in original),
    )


def imports() -> str:
    """Markdown: seconds that a fresh process takes to import what a worker needs, and what of that
    is the torchvision that timm imports, and torch._dynamo."""
    script = (
        "from bench.worker import checks; checks.preload()\n"
        "from bench.kinds.images import building; building.preload()\n"
        "import adapters.registry as r\n"
        "try: r.get(NAME).load()\n"
        "except Exception: pass"
    )
    lines = [
        "| library | torch | timm | of that torchvision | of that `torch._dynamo` | library, rest |"
        " in all |",
        f"| --- |{' ---: |' * 6}",
    ]
    for name in IMAGE_LIBRARIES:
        command = [sys.executable, "-X", "importtime", "-c", script.replace("NAME", repr(name))]
        subprocess.run(command, capture_output=True, check=True)  # reads the files from disk
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        whole = time.perf_counter() - started
        took: dict[str, float] = {}
        for line in done.stderr.splitlines():
            found = re.match(r"import time: +\d+ \| +(\d+) \| +(\S+)$", line)
            if found:
                took.setdefault(found[2], int(found[1]) / 1e6)
        parts = [took.get(part, 0.0) for part in ("torch", "timm", "torchvision", "torch._dynamo")]
        rest = whole - took.get("torch", 0.0) - took.get("timm", 0.0)
        told = " | ".join(f"{seconds:.1f}" for seconds in (*parts, rest, whole))
        lines.append(f"| {name} | {told} |")
    return "\n".join(lines)


def spread(values: Sequence[float]) -> float:
    """Standard deviation."""
    return statistics.stdev(values) if len(values) > 1 else math.nan


def table(found: Sequence[Measured]) -> str:
    """Markdown."""
    lines = [
        "| library | memory | workers | processes | ready (s) | built and gated (s) | original (s),"
        " least to most | speedups, least to most | sd between processes, original | sd, speedup |"
        " faults a run, least to most |",
        f"| --- | --- | --- |{' ---: |' * 8}",
    ]
    groups: dict[tuple[str, str, str], list[Measured]] = {}
    for one in found:
        groups.setdefault((one.library, one.policy, one.way), []).append(one)
    for (library, policy, way), group in sorted(groups.items()):
        ratios = [one.log_ratio for one in group]
        firsts = [one.first for one in group]
        faults = [one.faults for one in group]
        lines.append(
            f"| {library} | {policy} | {way} | {len(group)}"
            f" | {statistics.median(one.start for one in group):.2f}"
            f" | {statistics.median(one.prepare for one in group):.2f}"
            f" | {min(firsts):.3f} to {max(firsts):.3f}"
            f" | {math.exp(min(ratios)):.3f} to {math.exp(max(ratios)):.3f}"
            f" | {100 * spread([math.log(first) for first in firsts]):.1f} %"
            f" | {100 * spread(ratios):.1f} % | {min(faults):.0f} to {max(faults):.0f} |"
        )
    return "\n".join([*lines, "", *_tests(groups), *_template_tests(groups)])


def _tests(groups: dict[tuple[str, str, str], list[Measured]]) -> Iterator[str]:
    """The ratio of the variances of both ways, with its 95 % interval (Fisher's F)."""
    for library, policy in sorted({(library, policy) for library, policy, _ in groups}):
        logs = [[one.log_ratio for one in groups.get((library, policy, way), [])] for way in WAYS]
        if min(map(len, logs)) < 3:
            continue
        ratio = statistics.variance(logs[0]) / statistics.variance(logs[1])
        low, high = (
            ratio / float(fisher.ppf(share, len(logs[0]) - 1, len(logs[1]) - 1))
            for share in (0.975, 0.025)
        )
        apart = statistics.fmean(logs[0]) - statistics.fmean(logs[1])
        error = math.sqrt(sum(statistics.variance(log) / len(log) for log in logs))
        yield (
            f"- {library}, memory {policy}: variance of the log speedup between forked processes"
            f" over that between fresh ones: {ratio:.2f} ({low:.2f} to {high:.2f}); forked over"
            f" fresh speedup: {math.exp(apart):.3f} (standard error {100 * error:.1f} %)."
        )


def _template_tests(groups: dict[tuple[str, str, str], list[Measured]]) -> Iterator[str]:
    for (library, policy, way), group in sorted(groups.items()):
        if way == "forked" and (told := _template_test(group)) is not None:
            yield (
                f"- {library}, memory {policy}: speedups of forks of {TEMPLATES} templates against"
                f" those of one template: {told}."
            )


def _template_test(found: Sequence[Measured]) -> str | None:
    """Whether forks of different templates differ by more than those of one (one-way F test)."""
    groups: dict[int, list[float]] = {}
    for one in found:
        groups.setdefault(one.number % TEMPLATES, []).append(one.log_ratio)
    if len(groups) < 2 or min(map(len, groups.values())) < 2:
        return None
    done = f_oneway(*groups.values())
    return f"F = {done.statistic:.2f}, p = {done.pvalue:.2f}"


def main() -> int:
    """Measure what is missing, then write the table."""
    parser = argparse.ArgumentParser(prog="python -m tools.processes", description=__doc__)
    parser.add_argument("--processes", type=int, default=10, help="of each kind (10)")
    parser.add_argument("--libs", nargs="+", default=list(LIBRARIES))
    parser.add_argument("--memory", nargs="+", default=list(POLICIES), choices=POLICIES)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    path: Path = asked.out / "processes.jsonl"
    done: list[Measured] = []
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines()
        done = [Measured(**json.loads(line)) for line in lines]
    seen = {(one.library, one.way, one.policy, one.number) for one in done}
    with contextlib.ExitStack() as stack, path.open("a", encoding="utf-8") as file:
        starting = [
            {way: Starting(print, fork=way == "forked") for way in WAYS} for _ in range(TEMPLATES)
        ]
        for each in (each for ways in starting for each in ways.values()):
            stack.callback(each.close)
        order: Iterator[Any] = itertools.product(
            range(asked.processes), asked.libs, asked.memory, WAYS
        )
        for number, library, policy, way in order:
            if (library, way, policy, number) in seen:
                continue
            pool = WorkerPool(starting[number % TEMPLATES][way].on_cpu(policy))
            stack.callback(pool.replace)
            found = measure(pool, library, way, policy, number)
            file.write(json.dumps(asdict(found)) + "\n")
            file.flush()
            done.append(found)
            print(found)
    text = f"{table(done)}\n\nSeconds of a fresh process's imports:\n\n{imports()}"
    files.write(asked.out / "processes.md", text + "\n")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
