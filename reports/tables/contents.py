"""The tables of a report, however they are drawn. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.cases import BASELINE
from bench.records.reading import Run
from reports.reading import joined, kind
from reports.table import Table
from reports.tables import columns, counts, duels, matrix, side_by_side

NOTHING: Mapping[str, Any] = {}
"""A command line that said nothing of what a kind's tables can be told."""


def of(runs: Sequence[Run], asked: Mapping[str, Any], *, brief: bool = False) -> Iterator[Table]:
    """What several of the runs measured, side by side, and then each run's own tables.

    Args:
        runs: what was measured.
        asked: what the command line said, by name.
        brief: as of `of_run`.
    """
    yield from together(runs)
    for run in runs:
        yield from of_run(run, asked, brief=brief)


def together(runs: Sequence[Run]) -> list[Table]:
    """What several of the runs measured, side by side."""
    return side_by_side.of(runs) if len(runs) > 1 else []


def of_run(run: Run, asked: Mapping[str, Any], *, brief: bool = False) -> Iterator[Table]:
    """What each kind has to tell, and what is held against another baseline than the original, of
    which no kind has tables of its own; duels; counts; a matrix. The first tells which answers of
    several files were left out.

    Args:
        run: what was measured.
        asked: what the command line said, by name.
        brief: rows and columns of a matrix that say the same are one, where there is little room.
    """
    notes = tuple(joined.notes([run]))
    for table in _of_run(run, asked, brief=brief):
        yield replace(table, notes=(*notes, *table.notes)) if notes else table
        notes = ()


def _of_run(run: Run, asked: Mapping[str, Any], *, brief: bool) -> Iterator[Table]:
    for name, told in kind.every().items():
        every = [record for record in run.comparisons if record.case.kind == name]
        records = [record for record in every if record.baseline == BASELINE]
        drawn = told.tables(run, records, asked)
        yield from columns.of(records, run) if drawn is None else drawn
        others = [record for record in every if record.baseline != BASELINE]
        yield from columns.of([r for r in others if r.case.library != kind.USER], run)
        yield from columns.of([r for r in others if r.case.library == kind.USER], run)
    yield from duels.of(run)
    yield from counts.of(run)
    yield from matrix.of(run, brief=brief)
