"""The tables of a report, however they are drawn. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.records.reading import Run
from reports.kinds import text, training
from reports.kinds.training import Plan
from reports.tables import cells, counts, duels, side_by_side
from reports.tables.cells import Table


def of(runs: Sequence[Run], plan: Plan) -> Iterator[Table]:
    """What several of the runs measured, side by side, and then each run's own tables.

    Args:
        runs: what was measured.
        plan: the training that hours saved are told for.
    """
    yield from together(runs)
    for run in runs:
        yield from of_run(run, plan)


def together(runs: Sequence[Run]) -> list[Table]:
    """What several of the runs measured, side by side."""
    return side_by_side.of(runs) if len(runs) > 1 else []


def of_run(run: Run, plan: Plan) -> Iterator[Table]:
    """Libraries, batch sizes, models and attacks; duels; attacks on text; training; counts."""
    yield from cells.each(run)
    yield from duels.of(run)
    yield from text.of(run)
    yield from training.of(run, plan)
    yield from counts.of(run)
