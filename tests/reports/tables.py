"""What tests read out of tables."""

from __future__ import annotations

from bench.records.reading import Run
from reports.reading import kind
from reports.table import Table


def rows_of(table: Table) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in table.rows}


def cell(table: Table, attack: str, column: str) -> str:
    (row,) = [row for row in table.rows if row[0] == attack]
    return row[table.header.index(column)]


def column(table: Table, name: str) -> list[str]:
    at = next(i for i, head in enumerate(table.header) if head.startswith(name))
    return [row[at] for row in table.rows]


def tables_of(run: Run, name: str = "images", **asked: object) -> list[Table]:
    """What one kind has to tell of a run."""
    records = [record for record in run.comparisons if record.case.kind == name]
    drawn = kind.named(name).tables(run, records, asked)
    return list(drawn or ())
