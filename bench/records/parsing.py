"""One line of a file of records, read and validated; `bench.records.reading` has the files."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cases import read_as
from bench.errors import UsageError
from bench.kinds import registry
from bench.kinds.record import SCHEMA, OwnRecord
from bench.records import checking, lifting
from bench.records.duel import DuelRecord
from bench.records.matrix import CellRecord
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


class DamagedLine(RecordError):
    """A line that is no record, among some that may be."""


Record = (
    Environment
    | ProcessRecord
    | ComparisonRecord
    | DuelRecord
    | CountsRecord
    | CellRecord
    | OwnRecord
)
_SHARED: dict[str, type[Any]] = {
    "environment": Environment,
    "process": ProcessRecord,
    "comparison": ComparisonRecord,
    "duel": DuelRecord,
    "counts": CountsRecord,
    "cell": CellRecord,
}


def prepared(told: Mapping[str, Any]) -> Prepared:
    """What a worker found before timing, from its JSON.

    Raises:
        ValueError: it is none.
    """
    found: Prepared = _validator(tuple(registry.names())).prepared.validate_python(told)
    return found


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


def parse(path: Path, number: int, line: bytes) -> Record | None:
    """A line's record; None of a kind that this program does not know.

    Args:
        path, number: where it is.
        line: as UTF-8.

    Raises:
        RecordError: it is none, or none that this program can read.
    """
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


def _parse_slowly(path: Path, number: int, line: bytes) -> Record | None:
    """A line that is no record of today: an older one, one of another kind, or what is wrong."""
    validator = _validator(tuple(registry.names()))
    try:
        found = checking.loads(line)
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
    except ValueError as error:
        raise DamagedLine(f"{path}: line {number} is no record: {error}") from error
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
        if checking.odd(line):
            checking.finite(found)
    except ValueError as error:
        if (kind := _unknown_kind(found)) is not None:
            raise RecordError(
                f"{path}: line {number} is of a {kind!r} workload, and nothing that is installed"
                " here knows that kind; install the package that brings it"
            ) from error
        raise DamagedLine(f"{path}: line {number} is no record: {_first_fault(error)}") from error
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
