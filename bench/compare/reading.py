"""Read what `compare` is given: a file of records, or JSON of pytest-benchmark."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import files, program
from bench.compare.values import Kind
from bench.errors import UsageError
from bench.records import reading
from bench.records.reading import RecordError, Records, Run
from semibackward_bench.grammar import counted


@dataclass(frozen=True)
class Benchmarks:
    """What pytest-benchmark wrote.

    Attributes:
        samples: seconds of each test, by its full name; not all need be times.
        environment: facts about the machine.
    """

    samples: Mapping[str, tuple[float, ...]]
    environment: Mapping[str, object]


@dataclass(frozen=True)
class File:
    """One of the two files.

    Attributes:
        path: where it was read from.
        kind: what is in it.
        content: its records, or pytest-benchmark's.
    """

    path: Path
    kind: Kind
    content: Run | Benchmarks

    @property
    def run(self) -> Run:
        """Its records."""
        assert isinstance(self.content, Run)
        return self.content

    @property
    def benchmarks(self) -> Benchmarks:
        """What pytest-benchmark wrote."""
        assert isinstance(self.content, Benchmarks)
        return self.content


def read(path: Path) -> File:
    """Read one file.

    Raises:
        UsageError: it is unreadable, cut off or empty, or holds nothing that can be compared.
    """
    try:
        text = files.text(path)
    except files.Unreadable as error:
        raise UsageError(f"{path}: can't be read: {error}") from error
    if not text.strip():
        raise UsageError(f"{path}: it is empty; write it again")
    whole = _whole(text)
    if whole is not None and "benchmarks" in whole:
        return File(path, "pytest-benchmark", _benchmarks(whole, path))
    try:
        run = reading.of(Records(path, [text.encode()]))
    except RecordError as error:
        raise UsageError(str(error)) from error
    if run.cut:
        raise UsageError(
            f"{path}: line {text.count(chr(10)) + 1} is cut off; go on with it by {_resuming(run)},"
            " or write it again"
        )
    if begun := {part.key for part in run.parts}:
        waiting = counted(len(begun), "comparison is", "comparisons are")
        raise UsageError(
            f"{path}: its run was interrupted, {waiting} begun and not complete;"
            f" go on with it by {_resuming(run)}"
        )
    if run.counts and run.comparisons:
        raise UsageError(
            f"{path}: it holds counts and comparisons; write each to a file of its own"
        )
    if run.counts:
        return File(path, "counts", run)
    if run.comparisons:
        return File(path, "comparisons", run)
    raise UsageError(
        f"{path}: it holds neither counts nor comparisons; `counts` and `run` write such, or where"
        f" its run was interrupted, go on with it by {_resuming(run)}"
    )


def _resuming(run: Run) -> str:
    """The command that goes on with a run."""
    words = list(run.environment.command)
    if "--out" in words[:-1]:
        place = words.index("--out")
        del words[place : place + 2]
    words = [word for word in words if word != "--resume" and not word.startswith("--out=")]
    return f"`{program.repeated([*words, '--out', str(run.path), '--resume'])}`"


def both(base: Path, new: Path) -> tuple[File, File]:
    """Read two files of the same kind.

    Raises:
        UsageError: they are not.
    """
    first, second = read(base), read(new)
    if first.kind != second.kind:
        raise UsageError(
            f"{base} holds {first.kind} and {new} {second.kind}; compare two files of the same kind"
        )
    return first, second


def _whole(text: str) -> dict[str, Any] | None:
    """The file as one JSON object; None where it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _benchmarks(whole: dict[str, Any], path: Path) -> Benchmarks:
    try:
        measured = [
            (str(one["fullname"]), tuple(map(_seconds, one["stats"].get("data") or ())))
            for one in whole["benchmarks"]
        ]
        environment = _machine(whole.get("machine_info") or {})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{path}: no JSON of pytest-benchmark: {type(error).__name__}: {error}"
        ) from error
    samples = dict(measured)
    if not samples:
        raise UsageError(f"{path}: it holds no benchmark; run one with --benchmark-json")
    if not any(samples.values()):
        raise UsageError(
            f"{path}: {next(iter(samples))} has no samples; write it with --benchmark-json, or save"
            " it with --benchmark-save-data"
        )
    meant = Counter(name for name, _ in measured)
    if twice := [name for name, number in meant.items() if number > 1]:
        raise UsageError(
            f"{path}: it holds {twice[0]} {meant[twice[0]]} times; take all but one out, or write"
            " each run to a file of its own with --benchmark-json"
        )
    return Benchmarks(samples, environment)


def _seconds(sample: object) -> float:
    """A sample as it is, also one that is no time; NaN where there is none."""
    return math.nan if sample is None else float(sample)  # type: ignore[arg-type]


def _machine(info: Mapping[str, Any]) -> dict[str, object]:
    cpu = info.get("cpu") or {}
    return {
        "machine": info.get("machine"),
        "system": info.get("system"),
        "python": info.get("python_version"),
        "processor": cpu.get("brand_raw") or info.get("processor"),
        "cores": cpu.get("count"),
    }
