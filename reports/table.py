"""A table, however it is drawn. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table ready to be drawn.

    Attributes:
        title: what all its cases have in common.
        header: the first row; its first cell is the corner.
        rows: the others.
        notes: sentences to put below.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
