"""What a suite's product of lists holds: the part that all kinds have. Imports nothing heavy."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from bench.cases import BASELINE

ALL = "all"
"""What --attacks takes for every attack of a library."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """A product of lists: one [[cases]] of a suite. Each field is named as on the command line.

    A kind's own has further fields; their types say what a suite may hold.

    Attributes:
        kind: the kind's name; a suite may leave it out where the rest tells.
        attacks: may be ["all"].
        variants: None for those that fit each case.
        baseline: what they are held against.
    """

    counted: ClassVar[tuple[str, ...]] = ("batch",)
    """Fields whose numbers start at 1."""

    libs: tuple[str, ...]
    attacks: tuple[str, ...]
    models: tuple[str, ...]
    batch: tuple[int, ...]
    dtype: str = "float32"
    variants: tuple[str, ...] | None = None
    baseline: str = BASELINE
    kind: str

    @classmethod
    def completed(cls, table: Mapping[str, Any]) -> dict[str, Any]:
        """A suite's table with what this kind takes for granted.

        Args:
            table: keys and values as they were read.
        """
        return dict(table)

    @classmethod
    def needed(cls, table: Mapping[str, Any]) -> list[str]:
        """The keys that a suite's table must have."""
        missing = dataclasses.MISSING
        return [
            f.name
            for f in dataclasses.fields(cls)
            if f.default is missing and f.default_factory is missing
        ]
