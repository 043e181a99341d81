"""Help with misspelt names, and columns of text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from bench import layout, telling
from bench.errors import UsageError


def closest(name: str, known: Iterable[str]) -> str:
    """`; did you mean A or B?`, or what there is if nothing is near."""
    known = list(known)
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.6)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    if len(known) <= 12:
        return f"; there are {', '.join(known)}"
    return ""


def unknown(what: str, names: Iterable[str] | None, known: Iterable[str]) -> None:
    """Look whether every name is known.

    Raises:
        UsageError: one is not; with what is near it.
    """
    known = list(dict.fromkeys(known))
    for name in names or ():
        if name not in known:
            raise UsageError(f"unknown {what} {name!r}{closest(name, known)}")


def columns(rows: Iterable[Sequence[str]], width: int | None = None) -> str:
    """Rows of text, each column as wide as its widest cell.

    Args:
        rows: of cells.
        width: columns of the terminal, in which the last cell of a row is broken at words.
    """
    rows = [[telling.visible(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    before = sum(widths[:-1]) + 2 * (len(widths) - 1)
    room = None if width is None else max(width - before, 20)
    lines = []
    for row in rows:
        most = [cell.ljust(size) for cell, size in zip(row[:-1], widths, strict=False)]
        last = row[-1] if room is None else layout.broken(row[-1], room)
        text = "  ".join([*most, last.replace("\n", "\n" + " " * before)])
        lines.append("\n".join(line.rstrip() for line in text.split("\n")))
    return "\n".join(lines)
