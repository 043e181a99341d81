"""Put each copy by itself through the program's gates, from the records of all."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bench.compare import thresholds
from bench.compare.comparing import compare
from bench.duel import contest
from bench.records import reading
from bench.records.duel import DuelRecord
from bench.records.reading import Record, Run
from bench.statistics.estimate import Speedup
from tools.planted.copies import Copy

Check = Literal["counts", "ratios", "seconds", "duel", "longer"]
"""`counts` and `compare`; `run` and `compare` as it stands; the same with seconds gated; `duel`,
and the longer one."""

_DUELS: Mapping[Check, str] = {"duel": "duel", "longer": "duel-longer"}
SECONDS_ALLOWED = "seconds:10%"
SPEEDUP_ALLOWED = "speedup:1%"
MEMORY_ALLOWED = "memory:5%"


@dataclass(frozen=True)
class Result:
    """What one gate says of one copy.

    Attributes:
        check: which.
        copy: of what.
        caught: whether it is a regression.
        said: what got worse, in sentences.
        speedup: of a duel, time before over time after.
    """

    check: Check
    copy: Copy
    caught: bool
    said: tuple[str, ...] = field(default=())
    speedup: Speedup | None = None


def judge(found: Sequence[Copy], out: Path) -> list[Result]:
    """Every copy by every gate whose records are there.

    Args:
        found: the copies.
        out: where the records are.

    Raises:
        RecordError: a file holds something else.
    """
    results: list[Result] = []
    for command, gates in (
        ("counts", (("counts", ()),)),
        ("run", (("ratios", ()), ("seconds", (SECONDS_ALLOWED,)))),
    ):
        files = [out / f"{command}-{which}.jsonl" for which in ("before", "after")]
        if all(file.exists() for file in files):
            before, after = (reading.read(file) for file in files)
            for copy in found:
                for check, fail_if in gates:
                    results.append(_compared(check, copy, before, after, fail_if))  # type: ignore[arg-type]
    for check, name in _DUELS.items():
        file = out / f"{name}.jsonl"
        if file.exists():
            duels = {record.case.attack: record for record in reading.read(file).duels}
            own = [copy for copy in found if copy.attack in duels]
            results += [_duelled(check, copy, duels[copy.attack]) for copy in own]
    return results


def _compared(check: Check, copy: Copy, before: Run, after: Run, fail_if: Sequence[str]) -> Result:
    """By `compare`, on files with this copy's records alone."""
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        paths = [Path(folder, name) for name in ("before.jsonl", "after.jsonl")]
        for path, run in zip(paths, (before, after), strict=True):
            lines: list[Record] = [run.environment]
            lines += [record for record in run.counts if record.case.attack == copy.attack]
            lines += [record for record in run.comparisons if record.case.attack == copy.attack]
            path.write_text("".join(map(reading.to_line, lines)), encoding="utf-8")
        asked = argparse.Namespace(
            base=paths[0],
            new=paths[1],
            fail_if=list(fail_if),
            overrides=None,
            allow_env_mismatch=False,
            rename=[],
            missing=None,
            strict=False,
        )
        worse = compare(asked).of("regression")
    return Result(check, copy, bool(worse), tuple(dict.fromkeys(one.said for one in worse)))


def _duelled(check: Check, copy: Copy, record: DuelRecord) -> Result:
    held = [thresholds.parse(text, contest.METRICS) for text in (SPEEDUP_ALLOWED, MEMORY_ALLOWED)]
    worse, _ = contest.judged([record], held)
    said = tuple(text.removeprefix(f"{record.case}: ") for text in worse)
    return Result(check, copy, bool(worse), said, record.speedup)
