"""Comparisons that take little memory: each is a packed line, read again when it is looked into.

Of a file of 200,000 comparisons, what tables are sorted by stays in memory, and what they tell is
there for as long as a table is drawn.
"""

from __future__ import annotations

import functools
import zlib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from bench.cases import Options
from bench.records.parsing import parse
from bench.records.types import ComparisonRecord

_STAY = ("case_id", "case", "baseline", "variant", "status", "verdict", "number", "schema", "kind")
"""What is not packed: what all comparisons are asked for, to sort and to count them."""
_UNPACKED = 512
"""Comparisons that are kept as read last, since a table asks each of its own for much."""
_LEVEL = 1
"""Of zlib: the others make lines a little smaller in several times the time."""


class Packed(ComparisonRecord):
    """A comparison like any other, most of which is read when it is asked for; made by `pack`."""

    line: bytes

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ComparisonRecord):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _NAMES)

    __hash__ = None  # type: ignore[assignment]  # as of any record: there are lists in it


def pack(record: ComparisonRecord, line: bytes) -> ComparisonRecord:
    """The same comparison in less memory.

    Args:
        record: what was read.
        line: where it was read from.
    """
    packed = object.__new__(Packed)
    for name in _STAY:
        object.__setattr__(packed, name, getattr(record, name))
    case = replace(record.case, options=_shared(record.case.options))
    object.__setattr__(packed, "case", case)
    object.__setattr__(packed, "line", zlib.compress(line, _LEVEL))
    return packed


@functools.lru_cache(maxsize=_UNPACKED)
def _shared(options: Options) -> Options:
    """The first of those that are equal: many cases differ in other things alone."""
    return options


class _Inside:
    """A field that is not in the packed comparison itself; what is there comes before it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, packed: Packed | None, owner: type[Packed]) -> Any:
        return self if packed is None else getattr(_unpacked(packed.line), self._name)


@functools.lru_cache(maxsize=_UNPACKED)
def _unpacked(line: bytes) -> Any:
    return parse(Path(), 0, zlib.decompress(line))  # which found a record in it before


_NAMES = [field.name for field in fields(ComparisonRecord)]
for _name in _NAMES:
    setattr(Packed, _name, _Inside(_name))
