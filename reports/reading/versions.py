"""Versions of a matrix's torches and libraries: their order, and which one a library had. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

from bench.records.matrix import CellRecord

Key = tuple[int, Version, str]
"""What versions are compared by."""
_ASKED = re.compile(r"([\w.-]+)(?:==(.+))?")
"""A distribution, and its version where one was asked."""


def key(text: str) -> Key:
    """What versions are sorted by: those that are none come last, by their text."""
    try:
        return 0, Version(text), text
    except InvalidVersion:
        return 1, Version("0"), text


def of(library: str, cells: Iterable[CellRecord]) -> str:
    """A library's version: the one that was asked, else those that were there; "" of none.

    Args:
        library: as cells have it.
        cells: of the matrix.
    """
    asked = _ASKED.fullmatch(library)
    if asked is None or asked[2]:
        return library if asked is None else asked[2]
    there = {cell.installed.get(asked[1], "") for cell in cells if cell.library == library} - {""}
    return " or ".join(sorted(there, key=key))
