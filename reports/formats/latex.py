"""Tables as LaTeX with booktabs, ready for \\input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench import telling
from bench.records.reading import Run
from reports.reading import naming
from reports.table import Table
from reports.tables import contents
from reports.tables.contents import NOTHING

escape = telling.latex

ROWS = 45
"""Rows that a page bears."""

_HEAD = (
    "% Needs \\usepackage{booktabs}, \\usepackage{graphicx}, \\usepackage[T1]{fontenc} and, before"
    " 2018,\n% \\usepackage[utf8]{inputenc}."
)


def report(runs: Sequence[Run], asked: Mapping[str, Any] = NOTHING) -> str:
    """Every table of some runs, one float each."""
    return "\n\n".join(parts(runs, asked))


def parts(runs: Sequence[Run], asked: Mapping[str, Any] = NOTHING) -> Iterator[str]:
    """The same in parts, an empty line between them."""
    with naming.told_apart(runs):
        yield _HEAD
        for table in contents.of(runs, asked, brief=True):
            yield from map(draw, _pages(table))


def draw(table: Table) -> str:
    """One table, no wider than the text, with its title as caption and its notes below."""
    columns = "l" + "r" * (len(table.header) - 1)
    notes = " ".join(escape(note) for note in table.notes)
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape(table.title)}}}",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            _line(table.header),
            r"\midrule",
            *map(_line, table.rows),
            r"\bottomrule",
            r"\end{tabular}}",
            *([rf"\par\smallskip\footnotesize\raggedright {notes}"] if notes else []),
            r"\end{table}",
        ]
    )


def _pages(table: Table) -> Iterator[Table]:
    """A table in parts that fit a page each; the notes are below the last."""
    count = len(table.rows)
    for start in range(0, max(count, 1), ROWS):
        last = min(start + ROWS, count)
        told = f"{table.title} (rows {start + 1} to {last} of {count})"
        yield replace(
            table,
            title=told if count > ROWS else table.title,
            rows=table.rows[start:last],
            notes=table.notes if last == count else (),
        )


def _line(cells: Sequence[str]) -> str:
    # A cell may begin with what a line break would take for its option.
    return " & ".join(f"{{{escape(cell)}}}" for cell in cells) + r" \\"
