"""The command `duel`: two versions of one library, each in an environment of its own.

Imports no torch. What differs from `run`: a worker is a pair of workers, a case is the original
against the original, and outputs may differ.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from bench.cases import BASELINE, RIVAL, Comparison
from bench.choosing import selection
from bench.compare import regression, thresholds
from bench.compare.regression import Judged, Measured, Pair
from bench.compare.thresholds import Threshold
from bench.duel import installing, sides
from bench.duel.pair import maker
from bench.duel.pairing import Pairs
from bench.duel.sides import Side
from bench.errors import UsageError
from bench.kinds import registry as kinds
from bench.kinds.request import Request
from bench.records.duel import DuelRecord, DuelSide
from bench.records.journal import Journal
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.running import memory, progress, session
from bench.running.chosen import choose
from bench.running.pool import WorkerPool
from bench.running.progress import Progress
from bench.running.runner import Runner
from bench.running.slots import Slot
from bench.statistics.estimate import Speedup

METRICS = ("speedup", "memory")
"""What --fail-if can hold b to, in a duel."""

_EQUAL = Measured(0.0, 0.0, math.inf)
"""What a would be against itself."""

V = TypeVar("V")


@dataclass(frozen=True)
class Outcome:
    """What came of a duel.

    Attributes:
        path: of the records.
        found: what is in it.
        records: of each case.
        worse: a sentence for each threshold that b is beyond.
        open: a sentence for each threshold that the interval leaves open.
    """

    path: Path
    found: Run
    records: tuple[DuelRecord, ...]
    worse: tuple[str, ...]
    open: tuple[str, ...]

    @property
    def all_ok(self) -> bool:
        return all(record.status == "ok" for record in self.records)


def run(request: Request, words: list[str]) -> Outcome:
    """Install both sides, measure, write it down.

    Args:
        request: what was asked; which variants a suite names does not matter.
        words: of the command, for the record.

    Raises:
        BenchError: something in what was asked must be mended first.
        KeyboardInterrupt: the user stopped it; what was measured is on disk.
    """
    asked = request.more
    held = [_parsed(text) for text in asked["fail_if"]]
    wanted = sides.parse(asked["a"], "a"), sides.parse(asked["b"], "b")
    wheels: Path | None = asked["find_wheels"]
    if wheels is not None and not wheels.is_dir():
        raise UsageError(f"--find-wheels {wheels}: there is no such folder")
    selection.check_names(request)
    path = request.out or session.new_path("-duel")
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(Journal(path))
        shown = stack.enter_context(progress.shown())
        folder = _folder(path, stack, keep=asked["keep"])
        shown.stage("installing both sides")
        a, b = (installing.install(one, folder / one.name, wheels) for one in wanted)
        sides.check_pair(a, b)
        if not kinds.users(request):
            request = replace(request, libs=(sides.library_of(a),))
            selection.check_names(request)
        for side in (a, b):
            shown.note(f"{side.asked.name}: {side} ({side.asked.text})")
        measured = _measure(request, words, a, b, journal, shown)
    if asked["keep"]:
        shown.note(f"the environments are in {folder}")
    worse, left_open = judged(measured, held)
    return Outcome(path, journal.read(), measured, worse, left_open)


def _parsed(text: str) -> Threshold:
    found = thresholds.parse(text, METRICS)
    if found.metric == "speedup" and 1 <= found.share < math.inf:
        raise UsageError(f"--fail-if {text}: a speedup can't fall by 100 % or more; give less")
    return found


def judged(
    records: Sequence[DuelRecord], held: Sequence[Threshold]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What b is worse in than it may be, and what the intervals leave open. Pure.

    All cases are judged together, so that more of them do not mean more false alarms; what one
    process shows may be another's luck, and is read so (see `bench.compare.regression`).
    """
    worse: list[str] = []
    left_open: list[str] = []
    ended = [record for record in records if record.status == "ok"]
    for threshold in held:
        if math.isinf(threshold.share):
            continue
        if threshold.metric == "memory":
            worse += _memory(ended, threshold)
            continue
        measured = [regression.of_speedup(r.speedup) if r.speedup else None for r in ended]
        pairs = [Pair(_EQUAL, new, threshold.share, more_is_better=True) for new in measured]
        for record, found in zip(ended, regression.judge(pairs), strict=True):
            if found.judgement == "regression":
                worse.append(f"{record.case}: {_slower(found)}, where {threshold} is allowed")
            elif found.judgement == "inconclusive":
                left_open.append(
                    f"{record.case}: a loss of {threshold} is not ruled out; measure longer"
                    " (--max-seconds), or with more --processes"
                )
    return tuple(worse), tuple(left_open)


def _slower(found: Judged) -> str:
    if found.ratio is None or found.low is None or found.high is None:
        return "b is slower"
    return (
        f"b is {found.ratio:.3f} (between {found.low:.3f} and {found.high:.3f}) times as fast as a"
    )


def _memory(records: Sequence[DuelRecord], threshold: Threshold) -> Iterator[str]:
    """Peaks repeat themselves, so a plain limit does."""
    for record in records:
        ratio = (record.memory or {}).get("ratio")
        if isinstance(ratio, float) and ratio * (1 + threshold.share) < 1:
            more = f"{1 / ratio:.3f} times the memory of a"
            yield f"{record.case}: b takes {more}, where {threshold} is allowed"


def _measure(
    request: Request, words: list[str], a: Side, b: Side, journal: Journal, shown: Progress
) -> tuple[DuelRecord, ...]:
    use, variables = memory.use("system" if request.memory == "system" else "keep")
    pairs = Pairs(request.seed, shown, maker(a, b, variables))
    pool = WorkerPool(pairs.start)
    with contextlib.ExitStack() as stack:
        stack.callback(pool.replace)
        shown.stage("starting the workers")
        begun = choose(request, pool, shown)
        if not all(kinds.of(group).duels for group in begun.suite.groups):
            raise UsageError(f"suite {begun.suite.name}: a duel is {_between()}")
        on_cpu = begun.device == "cpu"
        session.begin(request, words, journal, begun, use if on_cpu else None, "afresh")
        cases = dict.fromkeys(comparison.case for comparison in begun.comparisons)
        told: dict[str, DuelSide] = {s.asked.name: _side(s, pairs.facts) for s in (a, b)}
        runner = Runner(
            [Slot(pool)],
            begun.suite.limits,
            request.seed,
            shown,
            verbose=request.verbose,
            shared=True,  # all cases are of one library
            as_written=lambda record: as_duel(record, told, pairs.controls),
        )
        try:
            found = runner.run([Comparison(case, RIVAL) for case in cases], journal)
            return tuple(as_duel(record, told, pairs.controls) for record in found)
        except KeyboardInterrupt:
            shown.note(f"what was measured is in {journal.path}")
            raise


def as_duel(
    record: ComparisonRecord, told: dict[str, DuelSide], controls: Sequence[Speedup] = ()
) -> DuelRecord:
    """The record of a duel, from the runner's of one original against the other. Pure."""
    kept = record.timed
    times = ("seconds", "host_seconds", "faults")
    for name in (*times, "memory", "memory_parts", "gradients", "observed"):
        kept[name] = kept[name] and _renamed(kept[name])
    if record.energy is not None:
        kept["energy"] = replace(record.energy, joules=_renamed(record.energy.joules))
    unmet = [
        f"{name} requires {', '.join(side.unmet)}: both sides share all but the library itself"
        for name, side in told.items()
        if side.unmet
    ]
    kept["warnings"] = [*kept["warnings"], *unmet]
    kept["case"] = replace(record.case, library_version=None)
    return DuelRecord(sides=told, controls=list(controls), **kept)


def _renamed(found: dict[str, V]) -> dict[str, V]:
    names = {BASELINE: "a", RIVAL: "b", "call": "call a", f"call {RIVAL}": "call b"}
    return {names.get(name, name): value for name, value in found.items()}


def _side(side: Side, facts: Mapping[str, Any]) -> DuelSide:
    return DuelSide(
        asked=side.asked.text,
        distribution=side.distribution,
        version=side.version,
        digest=side.digest,
        unmet=list(side.unmet),
        libraries=facts[side.asked.name]["environment"]["libraries"],
    )


def _between() -> str:
    """What it can be between, in words."""
    found = (kind.subject for kind in kinds.every() if kind.duels)
    return f"between workloads on {' or '.join(found)}"


def _folder(path: Path, stack: contextlib.ExitStack, *, keep: bool) -> Path:
    """Where the environments go: beside the records if they are to be kept."""
    if not keep:
        made = stack.enter_context(tempfile.TemporaryDirectory(prefix="semibackward-duel-"))
        return Path(made)
    folder = path.with_suffix(".environments")
    if folder.exists():
        raise UsageError(f"{folder} exists; remove it, or name other records with --out")
    return folder
