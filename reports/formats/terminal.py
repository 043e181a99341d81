"""Tables and sentences for a terminal of so many columns, in which nothing wraps. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench import layout, telling
from bench.records.reading import Run
from reports.formats import explained as dissected
from reports.reading import advice, naming
from reports.reading.words import shortened
from reports.table import Table
from reports.tables import contents, labelled, modes
from reports.tables import short as short_tables

_CODE = "    "
"""Before a line of Python, which is never broken."""


def short(run: Run, width: int) -> Iterator[str]:
    """What a run came to: a row a case, and then what to do, in parts.

    Args:
        run: what was measured.
        width: columns of the terminal.
    """
    with naming.told_apart([run]):
        for table in short_tables.of(run, width):
            yield draw(table, width)
        yield from _advice(run, width)


def explained(run: Run, width: int) -> Iterator[str]:
    """Where the time of a run's cases goes, and then what to do, in parts.

    Args:
        run: what was measured.
        width: columns of the terminal.
    """
    with naming.told_apart([run]):
        found = dissected.explained([run])
        for said in dissected.summaries([record for record, _ in found]):
            yield layout.broken(telling.line(said), width)
        if found:
            yield draw(labelled.of(found), width)
            yield draw(dissected.table(found), width)
            for table in modes.of([record for record, _ in found]):
                yield draw(table, width)
        yield from _advice(run, width)


def everything(run: Run, width: int, asked: Mapping[str, Any]) -> Iterator[str]:
    """Every table of a run, and then what to do, in parts.

    Args:
        run: what was measured.
        width: columns of the terminal.
        asked: what the command line said, by name.
    """
    yield from tables(run, width, asked)
    with naming.told_apart([run]):
        yield from _advice(run, width)


def tables(run: Run, width: int, asked: Mapping[str, Any] = contents.NOTHING) -> Iterator[str]:
    """Every table of a run, in parts."""
    with naming.told_apart([run]):
        for table in contents.of_run(run, asked, brief=True):
            yield draw(table, width)


def _advice(run: Run, width: int) -> Iterator[str]:
    """What to do; nothing where networks were tried out and nothing was to be timed."""
    if run.comparisons or not any(run.own.values()):
        yield layout.broken(telling.line(advice.of(run)), width)
        for variant, lines in advice.code(run):
            code = (f"{_CODE}{line}" for line in lines)
            yield "\n".join([f"{variant}, once the model is built:", *code])


def draw(table: Table, width: int) -> str:
    """A table with its title above and its notes below; one that is too wide in several pieces,
    each of which begins with the first column, or with two where one does not tell rows apart.

    Args:
        table: what to draw.
        width: columns of the terminal.
    """
    rows = [[telling.line(cell) for cell in row] for row in (table.header, *table.rows)]
    parts = [layout.broken(telling.line(table.title), width), *_pieces(rows, width)]
    if table.notes:
        parts.append("\n".join(item(note, width) for note in table.notes))
    return "\n\n".join(filter(None, parts))


def item(text: str, width: int) -> str:
    """One of several sentences."""
    return layout.broken(f"- {telling.line(text)}", width, "  ")


def _pieces(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """The rows, as many columns at a time as there is room for."""
    whole = layout.grid(rows[0], rows[1:])
    if len(rows[0]) < 3 or max(map(layout.width, whole)) <= width:
        yield "\n".join(layout.cut(line, width) for line in whole)
        return
    filled = [[*row[:-1], *[""] * (len(rows[0]) - len(row)), row[-1]] for row in rows]
    columns = list(zip(*filled, strict=True))
    keys = 1 if len(set(columns[0])) == len(rows) or len(columns) < 4 else 2
    first = [[shortened(cell, width // 2) for cell in column] for column in columns[:keys]]
    piece: list[Sequence[str]] = []
    for column in columns[keys:]:
        if piece and _width([*first, *piece, column]) > width:
            yield _drawn([*first, *piece], width)
            piece = []
        piece.append(column)
    yield _drawn([*first, *piece], width)


def _width(columns: Sequence[Sequence[str]]) -> int:
    return layout.table_width([layout.column_width(head, cells) for head, *cells in columns])


def _drawn(columns: Sequence[Sequence[str]], width: int) -> str:
    header, *rows = list(zip(*columns, strict=True))
    return "\n".join(layout.cut(line, width) for line in layout.grid(header, rows))
