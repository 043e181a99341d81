"""What a file of records held before it is gone on with. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bench.cases import Status
from bench.kinds.record import OwnRecord
from bench.records.matrix import CellKey, CellRecord
from bench.records.reading import Record
from bench.records.types import ComparisonRecord, CountsRecord, Environment, ProcessRecord


@dataclass
class Earlier:
    """What a run that is gone on with needs to know of what was measured before.

    Attributes:
        environment: where.
        schema: the version of the format of the file's first line.
        ended: how each comparison ended, by its key.
        counted: how each count ended, by its key.
        cells: how each cell of a matrix ended, by its key.
        own: how each line of a kind's own ended, by its `kind` and its key.
        parts: processes of comparisons that are not complete yet, by the comparison's key.
    """

    environment: Environment
    schema: int
    ended: dict[tuple[str, str], Status] = field(default_factory=dict)
    counted: dict[tuple[str, str], Status] = field(default_factory=dict)
    cells: dict[CellKey, Status] = field(default_factory=dict)
    own: dict[str, dict[tuple[Any, ...], str]] = field(default_factory=dict)
    parts: dict[tuple[str, str], list[ProcessRecord]] = field(default_factory=dict)

    def note(self, record: Record) -> None:
        """Another record of the file; what is said last stands."""
        if isinstance(record, ComparisonRecord):
            self.ended[record.key] = record.status
            self.parts.pop(record.key, None)
        elif isinstance(record, ProcessRecord):
            self.parts.setdefault(record.key, []).append(record)
        elif isinstance(record, CountsRecord):
            self.counted[record.key] = record.status
        elif isinstance(record, CellRecord):
            self.cells[record.key] = record.status
        elif isinstance(record, OwnRecord):
            self.own.setdefault(record.kind, {})[record.key] = record.status
