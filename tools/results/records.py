"""The committed records of libraries, and which of them the front page shows.

Each folder under results/ that is no tool's own holds what was measured on one machine.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.version import Version

from bench.cases import BASELINE, SEMI_BACKWARD
from bench.records import reading
from bench.records.reading import RecordError, Run
from bench.records.types import ComparisonRecord, Environment
from reports.tables import columns

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results"
OF_TOOLS = (
    "baselines",
    "energy",
    "mad",
    "matrix",
    "processes",
    "regressions",
    "replication",
    "reports",
    "sap",
    "selfcheck",
    "slots",
    "upstream",
)
"""Folders of results that are of this program, and of no library."""
_FEWEST = 3
"""Libraries that a headline has, at the least."""


@dataclass(frozen=True)
class Headline:
    """One attack of several libraries, otherwise the same case, original against semi-backward.

    Attributes:
        run: the file it is in.
        records: one a library, in the file's order.
    """

    run: Run
    records: tuple[ComparisonRecord, ...]

    @property
    def environment(self) -> Environment:
        return self.run.environment

    @property
    def file(self) -> Run:
        """The file as if it held nothing else."""
        return replace(self.run, comparisons=self.records, own={})

    @property
    def on_gpu(self) -> bool:
        return on_gpu(self.run)

    @property
    def torch(self) -> Version:
        return torch(self.environment)


def torch(environment: Environment) -> Version:
    """The version of torch, without what it was built for."""
    return Version(str(environment.torch["version"]).partition("+")[0])


@functools.cache
def measured(results: Path = RESULTS) -> tuple[Run, ...]:
    """Every file of records under the machines' folders by name, those of GPUs first."""
    found: list[Run] = []
    for folder in sorted(results.iterdir()):
        if folder.is_dir() and folder.name not in OF_TOOLS:
            found += [reading.read(path) for path in sorted(folder.rglob("*.jsonl"))]
    return tuple(sorted(found, key=lambda run: not on_gpu(run)))


def folder(run: Run, results: Path = RESULTS) -> str:
    """The machine's folder that a file lies in."""
    return run.path.relative_to(results).parts[0]


def shown(path: Path) -> str:
    """A file's path as people in the checkout write it."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def headlines(runs: Sequence[Run]) -> list[Headline]:
    """Of each file its widest comparison of libraries, most telling first: a GPU before a CPU, then
    by torch, by how many libraries, and by date."""
    found = [Headline(run, records) for run in runs if len(records := _widest(run)) >= _FEWEST]
    return sorted(
        found,
        key=lambda one: (one.on_gpu, one.torch, len(one.records), one.environment.created),
        reverse=True,
    )


def front(runs: Sequence[Run]) -> tuple[Headline, Headline | None]:
    """What the front page shows: the most telling headline, and that of the oldest torch, of the
    same machine if there is one.

    Raises:
        RecordError: no file compares enough libraries.
    """
    every = headlines(runs)
    if not every:
        raise RecordError(f"no file of records compares {_FEWEST} libraries or more")
    now = every[0]
    older = [one for one in every if one.torch < now.torch]
    return now, min(older, key=lambda one: (not beside(one, now), one.torch), default=None)


def beside(one: Headline, other: Headline) -> bool:
    """Whether two answer the same question on the same machine."""
    same = _asked(one.records[0]) == _asked(other.records[0])
    return same and folder(one.run) == folder(other.run)


def on_gpu(run: Run) -> bool:
    """Whether a file was made on a GPU."""
    return not run.environment.device.startswith("cpu")


def dissected(run: Run) -> bool:
    """Whether it was looked at where the time goes."""
    return any(record.anatomy is not None for record in run.comparisons)


def _widest(run: Run) -> tuple[ComparisonRecord, ...]:
    groups: dict[object, dict[str, ComparisonRecord]] = {}
    for record in run.comparisons:
        frozen = (record.variant, record.baseline) == (SEMI_BACKWARD, BASELINE)
        if frozen and record.speedup is not None:
            groups.setdefault(_asked(record), {})[record.case.library] = record
    return tuple(max(groups.values(), key=len, default={}).values())


def _asked(record: ComparisonRecord) -> object:
    """The case but for whose attack it is."""
    return columns.in_common(record.case, "library")
