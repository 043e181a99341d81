"""What is written down: one JSON object a line, an environment first, then what was found.

Where a case has several processes, each leaves a `process` line as it ends, so that an interrupted
run is resumed without repeating it; the `comparison` line that follows says all they found.

Rules for reading, so that files outlive programs:

- `schema` is the version of the format; this program writes version 2. A file of a newer version is
  refused with its number; lines of version 1 are lifted, see `bench.records.lifting`.
- A number that JSON does not have (NaN, Infinity) and a time that none can be (0, negative, too
  large for a float) are errors with their line.
- Keys this program does not know are ignored, and so are lines of an unknown `kind`. A case of a
  kind of workload that is not installed here is an error with its line, and the kind's name.
- A half-written last line, as a killed run leaves behind, is left out; one that lacks its line feed
  alone counts. Any other line that is no record is an error with its number, unless damaged lines
  are asked to be left out: then their numbers are told.
- A second environment, and another record of what was decided, are errors with their line: see
  `bench.records.doubled`.

The types are in `bench.records.types`, `bench.records.duel` and `bench.records.matrix`, and those
of one kind of workload with that kind.
"""

from __future__ import annotations

import itertools
import json
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bench import files
from bench.cases import RIVAL
from bench.kinds.record import SCHEMA, OwnRecord
from bench.records import doubled, packing
from bench.records.duel import DuelRecord
from bench.records.matrix import CellKey, CellRecord
from bench.records.parsing import DamagedLine, Record, RecordError, parse
from bench.records.types import ComparisonRecord, CountsRecord, Environment, ProcessRecord
from semibackward_bench.grammar import counted, form

__all__ = [
    "DamagedLine",
    "Record",
    "RecordError",
    "Records",
    "Run",
    "as_asked",
    "of",
    "read",
    "to_line",
]

T = TypeVar("T")

PLAIN = 5_000
"""Comparisons of a file that reports keep as they are, in 100 MB; further ones are packed."""
_MOST_NAMED = 20
"""Damaged lines whose numbers are told."""


@dataclass(frozen=True)
class Run:
    """One file's records.

    Attributes:
        path: where they were read from.
        environment: its first line.
        comparisons: in the order in which they were asked for, or of the file where that was not
            recorded; a resumed case's last record stands.
        parts: processes of comparisons that are not complete yet.
        counts: of what `counts` counted; a resumed case's last record stands.
        duels: that have ended.
        cells: of a matrix; a resumed one's last record stands.
        own: lines that only one kind of workload has, by their `kind`; a resumed one's last stands.
        cut: whether a half-written last line was left out.
        schema: the version of the format that the file's first line has.
        damaged: the numbers of lines that are no records and were left out.
    """

    path: Path
    environment: Environment
    comparisons: tuple[ComparisonRecord, ...]
    parts: tuple[ProcessRecord, ...] = ()
    counts: tuple[CountsRecord, ...] = ()
    duels: tuple[DuelRecord, ...] = ()
    cells: tuple[CellRecord, ...] = ()
    own: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    cut: bool = False
    schema: int = SCHEMA
    damaged: tuple[int, ...] = ()

    @property
    def left_out(self) -> str:
        """What was left out of the file, in words, where something was."""
        return f"{self.path}: {_lines(self.damaged)} damaged, and left out."

    @property
    def ended(self) -> list[str]:
        """How everything in it ended."""
        lines = itertools.chain(self.comparisons, *self.own.values())
        return [record.status for record in lines]


def to_line(record: Record) -> str:
    """One line of JSON, newline included."""
    return json.dumps(_schema_first(record), allow_nan=False) + "\n"


def read(path: Path, *, salvage: bool = False, plain: int | None = None) -> Run:
    """Read and validate a file of records, packed by gzip or not.

    Args:
        path: of the file.
        salvage: leave damaged lines out, and tell their numbers.
        plain: comparisons that are kept as they are; further ones are packed, which takes a
            tenth of the memory and longer to look into. None for all.

    Raises:
        RecordError: it can't be read, or holds something other than records.
    """
    return of(Records(path, files.chunks(path), salvage=salvage), plain)


def of(records: Records, plain: int | None = None) -> Run:
    """What all these records come to.

    Args:
        records: of one file.
        plain: comparisons that are not packed; None for all.

    Raises:
        RecordError: as reading them does.
    """
    comparisons: dict[tuple[str, str], ComparisonRecord] = {}
    duels: dict[str, DuelRecord] = {}
    counts: dict[tuple[str, str], CountsRecord] = {}
    parts: dict[tuple[str, str], dict[tuple[str | None, int], ProcessRecord]] = {}
    cells: dict[CellKey, CellRecord] = {}
    own: dict[str, dict[tuple[Any, ...], OwnRecord]] = {}
    for item in records:
        if isinstance(item, ComparisonRecord):
            packed = plain is not None and len(comparisons) >= plain
            comparisons[item.key] = packing.pack(item, records.line) if packed else item
            parts.pop(item.key, None)
        elif isinstance(item, DuelRecord):
            duels[item.case_id] = item
            parts.pop((item.case_id, RIVAL), None)
        elif isinstance(item, ProcessRecord):
            parts.setdefault(item.key, {})[item.memory, item.process] = item
        elif isinstance(item, CountsRecord):
            counts[item.key] = item
        elif isinstance(item, CellRecord):
            cells[item.key] = item
        elif isinstance(item, OwnRecord):
            own.setdefault(item.kind, {})[item.key] = item
    return Run(
        records.path,
        records.environment,
        tuple(as_asked(comparisons.values())),
        tuple(part for found in parts.values() for part in found.values()),
        tuple(counts.values()),
        tuple(duels.values()),
        tuple(cells.values()),
        {kind: tuple(found.values()) for kind, found in own.items()},
        cut=records.cut,
        schema=records.schema,
        damaged=tuple(records.damaged),
    )


def as_asked(
    found: Iterable[T], number: Callable[[T], int | None] = operator.attrgetter("number")
) -> list[T]:
    """Comparisons in the order in which they were asked for, if all tell it; else as they are.

    Args:
        found: them, or what stands for them.
        number: tells the number of one.
    """
    every = list(found)
    numbers = [number(one) for one in every]
    if None in numbers:
        return every
    order = sorted(range(len(every)), key=lambda place: numbers[place] or 0)
    return [every[place] for place in order]


class Records:
    """The records of one file, one after another as they are read; the first is its environment.

    What is told of the file is known when they have been read.

    Args:
        path: what the file is called.
        parts: what it holds, in parts of any length.
        salvage: leave damaged lines out.

    Attributes:
        environment: its first line.
        schema: the version of the format that this line has.
        cut: whether a half-written last line was left out.
        damaged: the numbers of the lines that were left out.
        line: of the record in hand.
    """

    environment: Environment
    line: bytes

    def __init__(self, path: Path, parts: Iterable[bytes], *, salvage: bool = False) -> None:
        self.path = path
        self.schema: int = SCHEMA
        self.cut = False
        self.damaged: list[int] = []
        self._parts = parts
        self._salvage = salvage

    def __iter__(self) -> Iterator[Record]:
        begun = False
        seen = doubled.Lines()
        try:
            for number, line in enumerate(files.lines(self._parts), 1):
                record = self._record(number, line, first=not begun) if line.strip() else None
                if record is not None:
                    begun, self.line = True, line
                    self._once(seen, number, line, record)
                    yield record
        except files.Unreadable as error:
            raise RecordError(f"{self.path}: can't be read: {error}") from error
        if not begun:
            raise self._no_environment()

    def _record(self, number: int, line: bytes, *, first: bool) -> Record | None:
        if not line.endswith(b"\n") and not _is_whole(line):
            self.cut = True
            return None
        try:
            record = parse(self.path, number, line.strip())
        except DamagedLine:
            if first or not self._salvage:
                raise
            self.damaged.append(number)
            return None
        if first:
            if not isinstance(record, Environment):
                raise self._no_environment()
            self.environment = record
            self.schema = json.loads(line).get("schema", SCHEMA)
        return record

    def _once(self, seen: doubled.Lines, number: int, line: bytes, record: Record) -> None:
        """See that a line is no other answer to what is answered already."""
        try:
            seen.add(number, line, record)
        except ValueError as error:
            raise RecordError(f"{self.path}: line {number} {error}") from error

    def _no_environment(self) -> RecordError:
        return RecordError(
            f"{self.path}: line 1 is no environment record; is it a file of this program?"
        )


def _schema_first(record: Record) -> dict[str, Any]:
    fields = asdict(record)
    return {"schema": fields.pop("schema"), "kind": fields.pop("kind"), **fields}


def _is_whole(line: bytes) -> bool:
    """Whether a last line lacks its line feed alone: of an object, the last character ends it."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _lines(numbers: Sequence[int]) -> str:
    """How many lines and which, as "2 lines (3, 7) are"."""
    told = ", ".join(map(str, numbers[:_MOST_NAMED]))
    more = ", …" if len(numbers) > _MOST_NAMED else ""
    return f"{counted(len(numbers), 'line')} ({told}{more}) {form(len(numbers), 'is', 'are')}"
