"""Cells and notes of a table that has, in each row, a portion of a run and its ceilings. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.reading import ceilings, energy, numbers, predicted, shares
from reports.reading.machines import Machines
from reports.tables import cells

Column = tuple[str, Callable[[ComparisonRecord], str]]
"""Its head, and what makes its cells."""


def seconds(record: ComparisonRecord, variant: str) -> str:
    """A portion's, in a variant."""
    return "-" if record.speedup is None else numbers.seconds(ceilings.each(record, variant))


def share(record: ComparisonRecord) -> str:
    """Of the ceiling by FLOPs."""
    found = ceilings.reached(record)
    return "-" if found is None else f"{100 * found:.0f} %"


def _outside(record: ComparisonRecord) -> str:
    split = shares.of(record)
    return "-" if split is None else f"{100 * split.overhead:.1f} %"


_OPTIONAL: tuple[Column, ...] = (
    ("by bytes", lambda record: predicted.cell(predicted.by_bytes(record))),
    ("outside the network", _outside),
    ("energy a run (J)", energy.runs_cell),
    (energy.RATIO, energy.ratio_cell),
)


def optional(records: Sequence[ComparisonRecord], run: Run) -> list[Column]:
    """Columns that are left out where no row has anything to tell."""
    told = [(name, cell) for name, cell in _OPTIONAL if any(cell(r) != "-" for r in records)]
    return [*told, *Machines(run.environment).columns(records)]


def notes(named: Sequence[tuple[str, ComparisonRecord]], run: Run) -> Iterator[str]:
    """What is to say of the rows, and what keeps speedups under their ceilings.

    Args:
        named: rows, each with what it is called.
        run: they are of.
    """
    yield from cells.notes(named, run)
    said = cells.by_whom((name, text) for name, record in named if (text := ceilings.short(record)))
    yield from (f"{', '.join(names)}: {text}." for text, names in said.items())
    yield from cells.methods(named)
    yield from cells.circumstances(named, run)


def last_notes(records: Sequence[ComparisonRecord]) -> Iterator[str]:
    """What counts and counters are, where there are any."""
    yield from predicted.notes(records)
    yield from energy.notes(records)
