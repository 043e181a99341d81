"""Help with misspelt names, and columns of text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from bench import telling
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


def columns(rows: Iterable[Sequence[str]]) -> str:
    """Rows of text, each column as wide as its widest cell."""
    rows = [[telling.visible(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
