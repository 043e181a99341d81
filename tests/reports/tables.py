"""What tests read out of tables."""

from __future__ import annotations

from reports.tables.cells import Table


def rows_of(table: Table) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in table.rows}


def cell(table: Table, attack: str, column: str) -> str:
    (row,) = [row for row in table.rows if row[0] == attack]
    return row[table.header.index(column)]


def column(table: Table, name: str) -> list[str]:
    at = next(i for i, head in enumerate(table.header) if head.startswith(name))
    return [row[at] for row in table.rows]
