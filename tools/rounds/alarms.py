"""Where the rounds of equal runs lie, and how often `compare` would call that a regression. Pure
but for its file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from pathlib import Path
from statistics import median
from typing import Any

from bench.compare import limits, regression, rounds
from bench.compare.regression import Judged, Pair
from bench.compare.rounds import Level
from semibackward_bench.grammar import counted, form

ALLOWED = limits.DEFAULTS["pytest-benchmark"]["seconds"]


@dataclass(frozen=True)
class Runs:
    """Equal runs of the same tests.

    Attributes:
        machine: processor, cores and Python.
        load: the machine's load average at the end of each run.
        levels: of each test, `Level` of each run as [log, spread].
    """

    machine: Mapping[str, object]
    load: Sequence[float]
    levels: Mapping[str, Sequence[tuple[float, float]]]

    @staticmethod
    def of(files: Sequence[tuple[Mapping[str, Any], float]]) -> Runs:
        """Of what pytest-benchmark wrote, and the load."""
        info = files[0][0]["machine_info"]
        machine = {
            "processor": info["cpu"].get("brand_raw"),
            "cores": info["cpu"].get("count"),
            "python": info["python_version"],
            "rounds": [len(one["stats"]["data"]) for one in files[0][0]["benchmarks"]],
        }
        levels: dict[str, list[tuple[float, float]]] = {}
        for whole, _ in files:
            for one in whole["benchmarks"]:
                level = rounds.level(one["stats"]["data"])
                assert level is not None
                found = (round(level.log, 4), round(level.spread, 4))
                levels.setdefault(one["param"], []).append(found)
        return Runs(machine, [round(load, 2) for _, load in files], levels)

    @staticmethod
    def read(path: Path) -> Runs:
        """As it was written."""
        return Runs(**json.loads(path.read_text(encoding="utf-8")))

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")


def judged(runs: Runs, tests: Sequence[str], first: int, second: int) -> list[Judged]:
    """What comes of some tests of two of the runs, as `compare` judges them."""
    levels = [[Level(*runs.levels[name][run]) for run in (first, second)] for name in tests]
    found = rounds.measured([(then, now) for then, now in levels])
    pairs = [Pair(then, now, ALLOWED, more_is_better=False) for then, now in found.tests]
    if found.together is not None:
        pairs.append(Pair(*found.together, ALLOWED, more_is_better=False))
    return regression.judge(pairs)


def alarms(runs: Runs, tests: Iterable[Sequence[str]]) -> tuple[int, int, float]:
    """Of all pairs of runs, each way round and each group of tests as a file of its own.

    Returns:
        how many files fail, of how many, and the median of the least loss that could be seen.
    """
    failed = number = 0
    seen: list[float] = []
    for group in tests:
        for first, second in permutations(range(len(runs.load)), 2):
            found = judged(runs, group, first, second)
            failed += any(one.judgement == "regression" for one in found)
            number += 1
            seen += [one.visible - 1 for one in found if one.visible is not None]
    return failed, number, median(seen)


def told(runs: Runs) -> str:
    """A line for whole files, and one for files of a single test."""
    every = list(runs.levels)
    lines = [
        f"{counted(len(runs.load), 'equal run')} on {counted(runs.machine['cores'], 'core')}, load"
        f" {min(runs.load):g} to {max(runs.load):g}:"
    ]
    for what, groups in (
        (f"files of {counted(len(every), 'test')}", [every]),
        ("files of one test", [[name] for name in every]),
    ):
        failed, number, seen = alarms(runs, groups)
        lines.append(
            f"{what}: {failed} of {counted(number, 'pair')} {form(failed, 'fails', 'fail')}"
            f" ({100 * failed / number:.2g} %); a loss of"
            f" {100 * seen:.2g} % or more can be seen in half of the tests"
        )
    return "\n".join(lines)
