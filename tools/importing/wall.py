"""A wall in front of installed distributions: behind it, only those that are named can be imported.

A `PathFinder` that finds nothing of the others, so that what tries one meets what it would meet
where it is not installed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


def canonical(name: str) -> str:
    """A distribution's name as indexes spell it; by hand, since nothing but Python may be there."""
    return re.sub(r"[-_.]+", "-", name).lower()


def owners() -> dict[str, frozenset[str]]:
    """The distributions that each top-level module belongs to, by the module's name."""
    return {
        module: frozenset(canonical(name) for name in names)
        for module, names in metadata.packages_distributions().items()
    }


class Wall(PathFinder):
    """Finds what belongs to no distribution, or to one that may be seen.

    Args:
        seen: the distributions that may be seen; may grow.
        owned: as `owners` returns it.
    """

    def __init__(self, seen: set[str], owned: Mapping[str, frozenset[str]]) -> None:
        self.seen = seen
        self._owned = owned

    def find_spec(  # type: ignore[override] # a finder of its own, for what it may see
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        owned = self._owned.get(name.partition(".")[0])
        if owned and not owned & self.seen:
            return None
        return PathFinder.find_spec(name, path, target)


@contextmanager
def built(wall: Wall) -> Iterator[None]:
    """With the wall in the place of Python's own finder."""
    before = list(sys.meta_path)
    sys.meta_path[:] = [wall if finder is PathFinder else finder for finder in before]
    try:
        yield
    finally:
        sys.meta_path[:] = before
