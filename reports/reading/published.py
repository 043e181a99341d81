"""The numbers that papers published, kept as data in `results/paper/`, beside ours."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cases import SEMI_BACKWARD, Case
from reports.reading import kind

FILE = Path(__file__).resolve().parent.parent.parent / "results" / "paper" / "semi_backward.json"
"""Bu 2022, arXiv 2211.04973, tables 1 to 5."""


@dataclass(frozen=True)
class Published:
    """One published row.

    Attributes:
        original: seconds of the original.
        semi_backward: seconds with parameters frozen.
        speedup: as printed.
        what: what was measured, and on what.
    """

    original: float
    semi_backward: float
    speedup: float
    what: str


def find(case: Case, variant: str, suite: str | None) -> Published | None:
    """The published row that a comparison repeats.

    Args:
        case: what was measured.
        variant: the published one is semi-backward.
        suite: the suite that its file was begun with. Cases of a paper's suite's small twin are set
            beside the same rows; others only if they are as published, since what was asked may
            differ from the suite, and a file may have been gone on with by another.
    """
    if variant != SEMI_BACKWARD:
        return None
    told = kind.of(case)
    of_suite = told.published.get((suite or "").removesuffix("-small"))
    if of_suite and suite and suite.endswith("-small"):
        tables = [of_suite]
    else:
        every = dict.fromkeys(told.published.values())
        tables = [name for name in every if told.as_published(case, name)]
        tables.sort(key=lambda name: name != of_suite)
    for name in tables:
        for row in _read().get("tables", {}).get(name, {}).get("rows", ()):
            if told.repeats(case, name, row):
                return Published(
                    row["original"], row["semi_backward"], row["speedup"], _what(name, case)
                )
    return None


def _what(table: str, case: Case) -> str:
    found = _read()
    versions = found["versions"]
    distribution = {"art": "adversarial-robustness-toolbox"}.get(case.library, case.library)
    return (
        f"{found['tables'][table]['caption']}; {found['device']}, torch {versions['torch']},"
        f" {case.library} {versions[distribution]}"
    )


@functools.cache
def _read() -> dict[str, Any]:
    """The published tables; empty where the program was installed without them."""
    if not FILE.is_file():
        return {}
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found
