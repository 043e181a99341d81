"""What is written down: one JSON object a line, an environment first, then comparisons or duels.

Where a case has several processes, each leaves a `process` line as it ends, so that an interrupted
run is resumed without repeating it; the `comparison` line that follows says all they found.

Rules for reading, so that files outlive programs:

- `schema` is the version of the format; this program writes and reads version 1. A file of a newer
  version is refused with its number; an older one, once there is one, will be lifted on reading.
- A number that JSON does not have (NaN, Infinity) and a time that none can be (0, negative, too
  large for a float) are errors with their line.
- Keys this program does not know are ignored, and so are lines of an unknown `kind`.
- A half-written last line, as a killed run leaves behind, is left out; any other line that is no
  record is an error with its number.

The types are in `bench.records.types` and `bench.records.duel`.
"""

from __future__ import annotations

import functools
import gzip
import itertools
import json
import math
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cases import RIVAL
from bench.records.duel import DuelRecord
from bench.records.types import (
    SCHEMA,
    ComparisonRecord,
    CountsRecord,
    Environment,
    ProcessRecord,
    TrainingRecord,
)

if TYPE_CHECKING:
    from pydantic import TypeAdapter


class RecordError(Exception):
    """A file that holds no readable records; the message names the file and the line."""


Record = Environment | ProcessRecord | ComparisonRecord | DuelRecord | TrainingRecord | CountsRecord
_KINDS = ("environment", "process", "comparison", "duel", "training", "counts")


@dataclass(frozen=True)
class Run:
    """One file's records.

    Attributes:
        path: where they were read from.
        environment: its first line.
        comparisons: in order; a resumed case's last record stands.
        parts: processes of comparisons that are not complete yet.
        trainings: that have ended; a resumed one's last record stands.
        counts: of what `counts` counted; a resumed case's last record stands.
        duels: that have ended.
        cut: whether a half-written last line was left out.
    """

    path: Path
    environment: Environment
    comparisons: tuple[ComparisonRecord, ...]
    parts: tuple[ProcessRecord, ...] = ()
    trainings: tuple[TrainingRecord, ...] = ()
    counts: tuple[CountsRecord, ...] = ()
    duels: tuple[DuelRecord, ...] = ()
    cut: bool = False


def to_line(record: Record) -> str:
    """One line of JSON, newline included."""
    return json.dumps(_schema_first(record), allow_nan=False) + "\n"


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
    parts: dict[tuple[str, str], dict[int, ProcessRecord]] = {}
    for item in parsed:
        if isinstance(item, ComparisonRecord):
            comparisons[item.key] = item
            parts.pop(item.key, None)
        elif isinstance(item, DuelRecord):
            duels[item.case_id] = item
            parts.pop((item.case_id, RIVAL), None)
        elif isinstance(item, ProcessRecord):
            parts.setdefault(item.key, {})[item.process] = item
    trainings = {item.key: item for item in parsed if isinstance(item, TrainingRecord)}
    counts = {item.key: item for item in parsed if isinstance(item, CountsRecord)}
    open_parts = tuple(part for found in parts.values() for part in found.values())
    return Run(
        path,
        parsed[0],
        tuple(comparisons.values()),
        open_parts,
        tuple(trainings.values()),
        tuple(counts.values()),
        tuple(duels.values()),
        cut=bool(rest.strip()),
    )


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a line."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of Semi-backward Bench's records, version {SCHEMA}",
        **_validator().json_schema(),
    }


@functools.cache
def _validator() -> TypeAdapter[Any]:
    from typing import Annotated

    from pydantic import Discriminator, TypeAdapter

    return TypeAdapter(Annotated[Record, Discriminator("kind")])


def _schema_first(record: Record) -> dict[str, Any]:
    fields = asdict(record)
    return {"schema": fields.pop("schema"), "kind": fields.pop("kind"), **fields}


def _parse(path: Path, number: int, line: str) -> Record | None:
    try:
        if "NaN" in line or "Infinity" in line:
            raise ValueError("perhaps a number that JSON does not have")
        record: Record = _validator().validate_json(line)
        _check(record)
    except ValueError:
        return _parse_slowly(path, number, line)
    return record


def _parse_slowly(path: Path, number: int, line: str) -> Record | None:
    """A line that is no record of today: one of another kind, or what is wrong with it."""
    try:
        found = json.loads(line, parse_constant=_no_number)
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
    except ValueError as error:
        raise RecordError(f"{path}: line {number} is no record: {error}") from error
    if isinstance(found.get("schema"), int) and found["schema"] > SCHEMA:
        raise RecordError(
            f"{path}: line {number} is of schema {found['schema']}, this program reads up to"
            f" {SCHEMA}; use a newer version of it"
        )
    if found.get("kind") not in _KINDS:
        return None
    try:
        record: Record = _validator().validate_python(found)
        _check(record)
    except ValueError as error:
        raise RecordError(f"{path}: line {number} is no record: {_first_fault(error)}") from error
    return record


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _check(record: Record) -> None:
    """What the types can't say: times and their ratios are above 0, and finite."""
    if not isinstance(record, ComparisonRecord | DuelRecord):
        return
    for seconds in itertools.chain.from_iterable(record.seconds.values()):
        if not 0 < seconds < math.inf:
            raise ValueError(f"seconds: {seconds} is no time")
    found = record.speedup
    for ratio in () if found is None else (found.estimate, found.low, found.high):
        if ratio is not None and not 0 < ratio < math.inf:
            raise ValueError(f"speedup: {ratio} is no ratio of times")


def _first_fault(error: ValueError) -> str:
    faults: Iterable[Any] = getattr(error, "errors", list)()
    for fault in faults:
        where = ".".join(str(part) for part in fault["loc"][1:])
        return f"{where}: {fault['msg']}"
    return str(error)
