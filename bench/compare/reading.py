"""Read what `compare` is given: a file of records, or JSON of pytest-benchmark."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.compare.values import Kind
from bench.errors import UsageError
from bench.records import reading
from bench.records.reading import RecordError, Run


@dataclass(frozen=True)
class Benchmarks:
    """What pytest-benchmark wrote.

    Attributes:
        samples: seconds of each test, by its full name.
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
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: can't be read: {error}") from error
    if not text.strip():
        raise UsageError(f"{path}: it is empty; write it again")
    whole = _whole(text)
    if whole is not None and "benchmarks" in whole:
        return File(path, "pytest-benchmark", _benchmarks(whole, path))
    try:
        run = reading.read(path)
    except RecordError as error:
        raise UsageError(str(error)) from error
    if run.cut:
        raise UsageError(
            f"{path}: line {text.count(chr(10)) + 1} is cut off; go on with it by --resume, or"
            " write it again"
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
        f"{path}: it holds neither counts nor comparisons; `counts` and `run` write such"
    )


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
        samples = {
            str(one["fullname"]): tuple(map(float, one["stats"].get("data") or ()))
            for one in whole["benchmarks"]
        }
        environment = _machine(whole.get("machine_info") or {})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{path}: no JSON of pytest-benchmark: {type(error).__name__}: {error}"
        ) from error
    if not samples:
        raise UsageError(f"{path}: it holds no benchmark; run one with --benchmark-json")
    for name, seconds in samples.items():
        if not seconds:
            raise UsageError(
                f"{path}: {name} has no samples; write it with --benchmark-json, or save it with"
                " --benchmark-save-data"
            )
        if not all(0 < second < math.inf for second in seconds):
            wrong = next(second for second in seconds if not 0 < second < math.inf)
            raise UsageError(f"{path}: {name}: {wrong} is no time")
    return Benchmarks(samples, environment)


def _machine(info: Mapping[str, Any]) -> dict[str, object]:
    cpu = info.get("cpu") or {}
    return {
        "machine": info.get("machine"),
        "system": info.get("system"),
        "python": info.get("python_version"),
        "processor": cpu.get("brand_raw") or info.get("processor"),
        "cores": cpu.get("count"),
    }
