"""Hand a library what it would load or download, by the names that it does so by."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


class Loads:
    """Stands for a class whose `from_pretrained` gives something that is there already."""

    def __init__(self, what: Any) -> None:
        self._what = what

    def from_pretrained(self, *_: Any, **__: Any) -> Any:
        return self._what


@contextlib.contextmanager
def replaced(module: Any, **values: Any) -> Iterator[None]:
    """Inside the block, names of a module stand for something else."""
    before = {name: getattr(module, name) for name in values}
    for name, value in values.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)
