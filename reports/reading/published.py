"""The numbers that papers published, kept as data in `reports/paper/`, beside ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.cases import SEMI_BACKWARD, Case, against
from bench.records.types import ComparisonRecord
from reports.reading import kind, papers

FILE = Path(__file__).resolve().parent.parent / "paper" / "semi_backward.json"
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


def of(record: ComparisonRecord, suite: str | None) -> Published | None:
    """The published row that a comparison repeats, which is against the original."""
    return find(record.case, against(record.variant, record.baseline), suite)


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
        for row in papers.tables(FILE).get(name, {}).get("rows", ()):
            if told.repeats(case, name, row):
                return Published(
                    row["original"], row["semi_backward"], row["speedup"], _what(name, case)
                )
    return None


def notes(found: Iterable[Published | None]) -> Iterator[str]:
    """What was published on what, of the rows that stand in a table; or why none does."""
    for what in dict.fromkeys(row.what for row in found if row is not None):
        yield f"Published: {what}."
    if (said := fault()) is not None:
        yield f"{said}."


def fault() -> str | None:
    """Why no published number stands beside ours; None where they can be read."""
    return papers.fault(FILE)


def _what(table: str, case: Case) -> str:
    found = papers.load(FILE)
    versions = found["versions"]
    distribution = {"art": "adversarial-robustness-toolbox"}.get(case.library, case.library)
    return (
        f"{found['tables'][table]['caption']}; {found['device']}, torch {versions['torch']},"
        f" {case.library} {versions[distribution]}"
    )
