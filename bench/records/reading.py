"""What is written down: one JSON object a line, an environment first, then comparisons or duels.

Where a case has several processes, each leaves a `process` line as it ends, so that an interrupted
run is resumed without repeating it; the `comparison` line that follows says all they found.

Rules for reading, so that files outlive programs:

- `schema` is the version of the format; this program writes version 2. A file of a newer version is
  refused with its number; lines of version 1 are lifted, see `bench.records.lifting`.
- A number that JSON does not have (NaN, Infinity) and a time that none can be (0, negative, too
  large for a float) are errors with their line.
- Keys this program does not know are ignored, and so are lines of an unknown `kind`. A case of a
  kind of workload that is not installed here is an error with its line, and the kind's name.
- A half-written last line, as a killed run leaves behind, is left out; any other line that is no
  record is an error with its number.

The types are in `bench.records.types` and `bench.records.duel`, and those of one kind of workload
with that kind.
"""

from __future__ import annotations

import functools
import gzip
import itertools
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cases import RIVAL, read_as
from bench.errors import UsageError
from bench.kinds import registry
from bench.kinds.record import SCHEMA, OwnRecord
from bench.records import checking, lifting
from bench.records.duel import DuelRecord
from bench.records.types import (
    ComparisonRecord,
    CountsRecord,
    Environment,
    Prepared,
    ProcessRecord,
)

if TYPE_CHECKING:
    from pydantic import TypeAdapter


class RecordError(UsageError):
    """A file that holds no readable records; the message names the file and the line."""


Record = Environment | ProcessRecord | ComparisonRecord | DuelRecord | CountsRecord | OwnRecord
_SHARED: dict[str, type[Any]] = {
    "environment": Environment,
    "process": ProcessRecord,
    "comparison": ComparisonRecord,
    "duel": DuelRecord,
    "counts": CountsRecord,
}


@dataclass(frozen=True)
class Run:
    """One file's records.

    Attributes:
        path: where they were read from.
        environment: its first line.
        comparisons: in order; a resumed case's last record stands.
        parts: processes of comparisons that are not complete yet.
        counts: of what `counts` counted; a resumed case's last record stands.
        duels: that have ended.
        own: lines that only one kind of workload has, by their `kind`; a resumed one's last stands.
        cut: whether a half-written last line was left out.
        schema: the version of the format that the file's first line has.
    """

    path: Path
    environment: Environment
    comparisons: tuple[ComparisonRecord, ...]
    parts: tuple[ProcessRecord, ...] = ()
    counts: tuple[CountsRecord, ...] = ()
    duels: tuple[DuelRecord, ...] = ()
    own: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    cut: bool = False
    schema: int = SCHEMA

    @property
    def ended(self) -> list[str]:
        """How everything in it ended."""
        lines = itertools.chain(self.comparisons, *self.own.values())
        return [record.status for record in lines]


def to_line(record: Record) -> str:
    """One line of JSON, newline included."""
    return json.dumps(_schema_first(record), allow_nan=False) + "\n"


def prepared(told: Mapping[str, Any]) -> Prepared:
    """What a worker found before timing, from its JSON.

    Raises:
        ValueError: it is none.
    """
    found: Prepared = _validator(tuple(registry.names())).prepared.validate_python(told)
    return found


def read(path: Path) -> Run:
    """Read and validate a file of records, also one that was packed by gzip.

    Raises:
        RecordError: it can't be read, or holds something other than records.
    """
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise RecordError(f"{path}: can't be read: {error}") from error
    whole, _, rest = text.rpartition("\n")
    lines = whole.split("\n") if whole else []
    parsed = [_parse(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not parsed or not isinstance(parsed[0], Environment):
        raise RecordError(f"{path}: line 1 is no environment record; is it a file of this program?")
    comparisons: dict[tuple[str, str], ComparisonRecord] = {}
    duels: dict[str, DuelRecord] = {}
    parts: dict[tuple[str, str], dict[tuple[str | None, int], ProcessRecord]] = {}
    own: dict[str, dict[tuple[Any, ...], OwnRecord]] = {}
    for item in parsed:
        if isinstance(item, ComparisonRecord):
            comparisons[item.key] = item
            parts.pop(item.key, None)
        elif isinstance(item, DuelRecord):
            duels[item.case_id] = item
            parts.pop((item.case_id, RIVAL), None)
        elif isinstance(item, ProcessRecord):
            parts.setdefault(item.key, {})[item.memory, item.process] = item
        elif isinstance(item, OwnRecord):
            own.setdefault(item.kind, {})[item.key] = item
    counts = {item.key: item for item in parsed if isinstance(item, CountsRecord)}
    open_parts = tuple(part for found in parts.values() for part in found.values())
    return Run(
        path,
        parsed[0],
        tuple(comparisons.values()),
        open_parts,
        tuple(counts.values()),
        tuple(duels.values()),
        {kind: tuple(found.values()) for kind, found in own.items()},
        cut=bool(rest.strip()),
        schema=json.loads(next(line for line in lines if line.strip())).get("schema", SCHEMA),
    )


def line_types(kinds: Sequence[str]) -> dict[str, type[Any]]:
    """The types of lines, by what their `kind` is: those of all, and these kinds' own."""
    loaded = [kind for kind in registry.every() if kind.name in kinds]
    return {**_SHARED, **{name: line for kind in loaded for name, line in kind.lines.items()}}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a line, of the kinds of workload that come with the program."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of Semi-backward Bench's records, version {SCHEMA}",
        **_validator(tuple(registry.OURS)).line.json_schema(),
    }


@dataclass(frozen=True)
class _Validator:
    """Reads what the known kinds of workload may write.

    Attributes:
        line: one line.
        prepared: what a worker found before timing.
        names: what `kind` of a line can be.
    """

    line: TypeAdapter[Any]
    prepared: TypeAdapter[Any]
    names: frozenset[str]


@functools.cache
def _validator(kinds: tuple[str, ...]) -> _Validator:
    """The validator for these kinds; made anew only where there are others."""
    from typing import Annotated, Union

    from pydantic import Discriminator, TypeAdapter

    types = line_types(kinds)
    lines: Any = tuple(types.values())
    union: Any = Annotated[Union[lines], Discriminator("kind")]  # noqa: UP007
    names = frozenset(types)
    with read_as(kinds):
        return _Validator(TypeAdapter(union), TypeAdapter(Prepared), names)


def _schema_first(record: Record) -> dict[str, Any]:
    fields = asdict(record)
    return {"schema": fields.pop("schema"), "kind": fields.pop("kind"), **fields}


def _parse(path: Path, number: int, line: str) -> Record | None:
    if lifting.is_old(line):
        return _parse_slowly(path, number, line)
    try:
        if checking.odd(line):
            raise ValueError("perhaps what JSON does not have")
        record: Record = _validator(tuple(registry.names())).line.validate_json(line)
        checking.check(record)
    except ValueError:
        return _parse_slowly(path, number, line)
    return record


def _parse_slowly(path: Path, number: int, line: str) -> Record | None:
    """A line that is no record of today: an older one, one of another kind, or what is wrong."""
    validator = _validator(tuple(registry.names()))
    try:
        found = checking.loads(line)
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
    except ValueError as error:
        raise RecordError(f"{path}: line {number} is no record: {error}") from error
    if isinstance(found.get("schema"), int) and found["schema"] > SCHEMA:
        raise RecordError(
            f"{path}: line {number} is of schema {found['schema']}, this program reads up to"
            f" {SCHEMA}; use a newer version of it"
        )
    if not isinstance(found.get("kind"), str) or found["kind"] not in validator.names:
        return None
    try:
        record: Record = validator.line.validate_python(lifting.lifted(found))
        checking.check(record)
        checking.finite(found)
    except ValueError as error:
        if (kind := _unknown_kind(found)) is not None:
            raise RecordError(
                f"{path}: line {number} is of a {kind!r} workload, and nothing that is installed"
                " here knows that kind; install the package that brings it"
            ) from error
        raise RecordError(f"{path}: line {number} is no record: {_first_fault(error)}") from error
    return record


def _unknown_kind(found: Mapping[str, Any]) -> str | None:
    """The kind of a line's case, if it is none of ours."""
    case = found.get("case")
    options = case.get("options") if isinstance(case, dict) else None
    kind = options.get("kind") if isinstance(options, dict) else None
    return kind if isinstance(kind, str) and kind not in registry.names() else None


def _first_fault(error: ValueError) -> str:
    faults: Iterable[Any] = getattr(error, "errors", list)()
    for fault in faults:
        where = ".".join(str(part) for part in fault["loc"][1:])
        return f"{where}: {fault['msg']}"
    return str(error)
