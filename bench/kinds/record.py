"""Lines of records that only one kind of workload has: what they have in common. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final, Literal

from bench.cases import Case, Status

SCHEMA: Final = 2
"""Version of the records' format; `bench.records.reading` has the rules."""


@dataclass(frozen=True, kw_only=True)
class OwnRecord(ABC):
    """A line of records that only one kind has, beside its comparisons.

    A type's field `kind` has the name of such lines as its only value.

    Attributes:
        case_id, case, variant: what it is of.
        status: "ok", or how it ended.
        reason: why the status is not "ok", in words.
        seed: of everything random.
    """

    case_id: str
    case: Case
    variant: str
    status: Status
    seed: int
    reason: str | None = None
    schema: Literal[2] = SCHEMA
    kind: str

    def check(self) -> None:
        """Look whether what it says can be; what a file says is not trusted.

        Raises:
            ValueError: it can't; with what is wrong.
        """

    @property
    @abstractmethod
    def key(self) -> tuple[Any, ...]:
        """What makes two records answers to the same question."""
