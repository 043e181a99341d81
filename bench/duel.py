"""The command `duel`: two versions of one library, each in an environment of its own.

Imports no torch. What differs from `run`: a worker is a pair of workers, a case is the original
against the original, and outputs may differ.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from bench import (
    blocks,
    installing,
    progress,
    selection,
    sides,
    statistics,
    thresholds,
)
from bench.cases import BASELINE, RIVAL, Comparison
from bench.command import begin
from bench.duel_record import DuelRecord, DuelSide
from bench.errors import UsageError
from bench.journal import Journal
from bench.pair import Pair
from bench.pool import Worker, WorkerPool
from bench.progress import Progress
from bench.record_types import ComparisonRecord
from bench.runner import Runner
from bench.sides import Side
from bench.statistics import Speedup
from bench.thresholds import Threshold

METRICS = ("speedup", "memory")
"""What --fail-if can hold b to, in a duel."""

V = TypeVar("V")


@dataclass(frozen=True)
class Outcome:
    """What came of a duel.

    Attributes:
        path: of the records.
        records: of each case.
        worse: a sentence for each threshold that b is beyond.
        open: a sentence for each threshold that the interval leaves open.
    """

    path: Path
    records: tuple[DuelRecord, ...]
    worse: tuple[str, ...]
    open: tuple[str, ...]

    @property
    def all_ok(self) -> bool:
        return all(record.status == "ok" for record in self.records)


def run(asked: argparse.Namespace, command: list[str]) -> Outcome:
    """Install both sides, measure, write it down.

    Args:
        asked: the parsed command line; which variants a suite names does not matter.
        command: the words of the command, for the record.

    Raises:
        BenchError: something in what was asked must be mended first.
        KeyboardInterrupt: the user stopped it; what was measured is on disk.
    """
    held = [thresholds.parse(text, METRICS) for text in asked.fail_if or ()]
    wanted = sides.parse(asked.a, "a"), sides.parse(asked.b, "b")
    if asked.find_wheels is not None and not asked.find_wheels.is_dir():
        raise UsageError(f"--find-wheels {asked.find_wheels}: there is no such folder")
    selection.check_names(asked)
    path = asked.out or Path("runs", f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}-duel.jsonl")
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(Journal(path))
        shown = stack.enter_context(progress.shown())
        folder = _folder(asked, path, stack)
        shown.stage("installing both sides")
        a, b = (installing.install(one, folder / one.name, asked.find_wheels) for one in wanted)
        sides.check_pair(a, b)
        if not asked.attack:
            asked.libs = [sides.library_of(a)]
            selection.check_names(asked)
        for side in (a, b):
            shown.note(f"{side.asked.name}: {side} ({side.asked.text})")
        measured = _measure(asked, command, a, b, journal, shown)
    if asked.keep:
        shown.note(f"the environments are in {folder}")
    worse, left_open = judged(measured, held)
    return Outcome(path, measured, worse, left_open)


def judged(
    records: Sequence[DuelRecord], held: Sequence[Threshold]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What b is worse in than it may be, and what the intervals leave open. Pure.

    Several cases are several chances to be wrong, so each is read at a higher confidence, which
    leaves one chance in forty over all of them (Bonferroni).
    """
    worse, left_open = [], []
    ended = [record for record in records if record.status == "ok"]
    for record in ended:
        for threshold in held:
            if threshold.metric == "memory":
                ratio = (record.memory or {}).get("ratio")
                if isinstance(ratio, float) and ratio < 1 / (1 + threshold.share):
                    worse.append(f"{record.case}: b takes {1 / ratio:.3f} times the memory of a")
                continue
            interval = _interval(record, 1 - (1 - statistics.CONFIDENCE) / len(ended))
            verdict = statistics.verdict(interval, threshold.share)
            low, high = interval.low or 0.0, interval.high or float("inf")
            if verdict == "slower":
                worse.append(
                    f"{record.case}: b takes {1 / interval.estimate:.3f} ({1 / high:.3f} to"
                    f" {1 / low:.3f}) times as long as a, {threshold} is allowed"
                )
            elif low < 1 / (1 + threshold.share):
                left_open.append(
                    f"{record.case}: whether b is slower than {threshold} allows is open; raise"
                    " --max-seconds or --processes"
                )
    return tuple(worse), tuple(left_open)


def _measure(
    asked: argparse.Namespace,
    command: list[str],
    a: Side,
    b: Side,
    journal: Journal,
    shown: Progress,
) -> tuple[DuelRecord, ...]:
    pairs: list[Pair] = []

    def start() -> Worker:
        pairs.append(Pair(a, b))
        return pairs[-1]

    pool = WorkerPool(start)
    with contextlib.ExitStack() as stack:
        stack.callback(pool.replace)
        shown.stage("starting the workers")
        suite, found = begin(asked, command, pool, journal, shown)
        if any(comparison.case.training or comparison.case.of_text for comparison in found):
            raise UsageError(f"suite {suite.name}: a duel is between attacks on images")
        chosen = list(dict.fromkeys(Comparison(comparison.case, RIVAL) for comparison in found))
        told: dict[str, DuelSide] = {s.asked.name: _side(s, pairs[0]) for s in (a, b)}
        runner = Runner(
            pool,
            suite.limits,
            asked.seed,
            shown,
            verbose=asked.verbose,
            as_written=lambda record: as_duel(record, told),
        )
        try:
            return tuple(as_duel(record, told) for record in runner.run(chosen, journal))
        except KeyboardInterrupt:
            shown.note(f"what was measured is in {journal.path}")
            raise


def as_duel(record: ComparisonRecord, told: dict[str, DuelSide]) -> DuelRecord:
    """The record of a duel, from the runner's of one original against the other. Pure."""
    common = {f.name for f in fields(DuelRecord)} & {f.name for f in fields(ComparisonRecord)}
    kept: dict[str, Any] = {
        name: getattr(record, name) for name in common - {"schema", "kind", "case"}
    }
    for name in ("seconds", "host_seconds", "memory", "memory_parts", "gradients"):
        kept[name] = kept[name] and _renamed(kept[name])
    unmet = [
        f"{name} requires {', '.join(side.unmet)}: both sides share all but the library itself"
        for name, side in told.items()
        if side.unmet
    ]
    kept["warnings"] = [*kept["warnings"], *unmet]
    return DuelRecord(case=replace(record.case, library_version=None), sides=told, **kept)


def _interval(record: DuelRecord, confidence: float) -> Speedup:
    times = record.seconds
    found = blocks.rebuilt(record.order, record.processes, times["a"], times["b"], record.repeated)
    return statistics.speedup(found, confidence=confidence)


def _renamed(found: dict[str, V]) -> dict[str, V]:
    names = {BASELINE: "a", RIVAL: "b", "call": "call a", f"call {RIVAL}": "call b"}
    return {names.get(name, name): value for name, value in found.items()}


def _side(side: Side, pair: Pair) -> DuelSide:
    return DuelSide(
        asked=side.asked.text,
        distribution=side.distribution,
        version=side.version,
        digest=side.digest,
        unmet=list(side.unmet),
        libraries=pair.facts_of[side.asked.name]["environment"]["libraries"],
    )


def _folder(asked: argparse.Namespace, path: Path, stack: contextlib.ExitStack) -> Path:
    """Where the environments go: beside the records if they are to be kept."""
    if not asked.keep:
        made = stack.enter_context(tempfile.TemporaryDirectory(prefix="semibackward-duel-"))
        return Path(made)
    folder = path.with_suffix(".environments")
    if folder.exists():
        raise UsageError(f"{folder} exists; remove it, or name other records with --out")
    return folder
