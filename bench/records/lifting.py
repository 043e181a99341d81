"""Lines of schema 1, lifted to today's: the named rule by which older files keep reading. Pure.

- A case was one flat value with the fields of every kind of workload. Each kind knows which of them
  are its own (`Kind.from_schema_1`), and their digest, the case's id, stays what it was.
- What a kind found out beyond the common part had keys of its own beside the others'; the kind
  makes `findings` and `parts` of them (`Kind.lift_findings`).

Every other key means what it meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.kinds import registry
from bench.kinds.record import SCHEMA

_SHARED = (
    *("library", "attack", "model", "batch", "dtype", "device"),
    *("weights", "library_version"),
)


def is_old(line: bytes) -> bool:
    """Whether a line is of schema 1, by how this program has always begun a line."""
    return line.startswith(b'{"schema": 1,')


def lifted(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line as today's schema has it; one of today's as it is.

    Raises:
        ValueError: it is no line of schema 1 after all.
    """
    if line.get("schema") != 1:
        return dict(line)
    try:
        return _lifted(line)
    except (AttributeError, LookupError, TypeError) as error:
        raise ValueError(f"something in it is not what schema 1 has there: {error}") from error


def _lifted(line: Mapping[str, Any]) -> dict[str, Any]:
    found = {**line, "schema": SCHEMA}
    if isinstance(found.get("case"), dict):
        found["case"] = _case(found["case"])
    if isinstance(found.get("prepared"), dict):
        found["prepared"] = _with_findings(found["prepared"])
    return _with_findings(found)


def _case(flat: Mapping[str, Any]) -> dict[str, Any]:
    for kind in reversed(registry.every()):
        rest = dict(flat)
        try:
            options = kind.from_schema_1(rest)
        except KeyError as error:
            raise ValueError(f"case.{error.args[0]}: Field required") from error
        if options is not None:
            return {**{k: rest[k] for k in _SHARED if k in rest}, "options": options}
    raise ValueError("case: of no known kind")


def _with_findings(found: Mapping[str, Any]) -> dict[str, Any]:
    rest = dict(found)
    for kind in registry.every():
        kind.lift_findings(rest)
    return rest
