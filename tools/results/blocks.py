"""Blocks of a page in Markdown that a program fills in. Pure.

<!-- results: NAME -->
whatever the program wrote
<!-- end of results -->
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

BEGIN, END = "<!-- results: {} -->", "<!-- end of results -->"
_MARK = re.compile(r"^<!-- (?:results: (?P<name>[\w-]+)|end of results) -->$", re.MULTILINE)


class BlockError(Exception):
    """A page's blocks are not as they must be."""


def fill(page: str, makers: Mapping[str, Callable[[], str]], where: str) -> str:
    """A page with its blocks filled in.

    Args:
        page: its text.
        makers: by the names of blocks, what makes their text.
        where: the page's name, for errors.

    Raises:
        BlockError: a block has no end, no beginning, or a name that nobody knows.
    """
    return "".join(
        text if name is None else _filled(name, makers, where) for name, text in _parts(page, where)
    )


def outside(page: str, where: str) -> str:
    """What of a page no program fills in.

    Raises:
        BlockError: as in `fill`.
    """
    return "".join(text for name, text in _parts(page, where) if name is None)


def _filled(name: str, makers: Mapping[str, Callable[[], str]], where: str) -> str:
    if name not in makers:
        raise BlockError(f"{where}: no block is called {name!r}; there are {', '.join(makers)}")
    return f"{BEGIN.format(name)}\n{makers[name]().strip()}\n{END}"


def _parts(page: str, where: str) -> list[tuple[str | None, str]]:
    """The page in parts, each with the name of its block, or None outside of one."""
    parts: list[tuple[str | None, str]] = []
    open_: str | None = None
    at = 0
    for mark in _MARK.finditer(page):
        name = mark["name"]
        if (name is None) == (open_ is None):
            told = f"{open_!r} has no end" if name else "one ends that has not begun"
            raise BlockError(f"{where}: of its blocks {told}")
        if name is None:
            parts.append((open_, page[at : mark.start()]))
            at = mark.end()
        else:
            parts.append((None, page[at : mark.start()]))
            at = mark.end()
        open_ = name
    if open_ is not None:
        raise BlockError(f"{where}: of its blocks {open_!r} has no end")
    return [*parts, (None, page[at:])]
