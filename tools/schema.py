"""Write the JSON Schema of the records and their data dictionary, from the types (`make schema`).

The types are `bench.records.types` and what they refer to; what a field means is in their
docstrings.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import files
from bench.cases import OfKind
from bench.kinds import registry
from bench.kinds.record import SCHEMA as VERSION
from bench.records import parsing, reading
from tools import contents

SCHEMA = Path(reading.__file__).with_name("record.schema.json")
DICTIONARY = Path(__file__).resolve().parent.parent / "docs" / "records.md"

_HEAD = """# What a record holds

A file of records is JSON lines: one object a line, the environment first. Each line has `schema`,
the version of the format ({version}), and `kind`. This page is made from the types by
`make schema`, as is [the JSON Schema](../bench/records/record.schema.json);
[`measuring.md`](measuring.md) tells how to read the numbers.

Reading: keys and kinds of lines that the program does not know are ignored; a newer version is
refused by its number, and version 1 reads as it always did (`bench/records/lifting.py`), with the
case ids it had; a half-written last line, as a killed run leaves it, is left out, and one that
lacks its line feed alone counts; any other line that is no record, or whose case is of a kind of
workload that is not installed, is an error with its number, and so are a second environment and
another record of what was decided, as in two runs' files put into one. Files packed by gzip are
read as they are, whatever they are called, and so is UTF-16 that begins with its byte order mark,
as PowerShell's `>` writes it.

What is written when, gone on with, and left out where a file is damaged:
[use.md](use.md#records-what-is-kept-and-going-on).
"""


def schema() -> str:
    """What `bench/records/record.schema.json` must hold."""
    return json.dumps(parsing.json_schema(), indent=2) + "\n"


def dictionary() -> str:
    """What `docs/records.md` must hold: a table for each kind of line and each type within."""
    lines = parsing.line_types(tuple(registry.OURS))
    parts = [_HEAD.format(version=VERSION)]
    parts += [f"## `{name}`\n\n{_table(kind)}" for name, kind in lines.items()]
    inner = dict.fromkeys(found for kind in lines.values() for found in _within(kind))
    own = set(lines.values())
    parts += [f"## {kind.__name__}\n\n{_table(kind)}" for kind in inner if kind not in own]
    return contents.tabled("\n".join(parts))


def _within(kind: type) -> Iterator[type]:
    """The dataclasses that a type's fields refer to, theirs included, each before its own."""
    for hint in _hints(kind).values():
        for found in _dataclasses(hint):
            yield found
            yield from _within(found)


def _dataclasses(hint: Any) -> Iterator[type]:
    if _is_family(hint):
        yield from _family(hint)
    elif dataclasses.is_dataclass(hint) and isinstance(hint, type):
        yield hint
    for argument in typing.get_args(hint):
        yield from _dataclasses(argument)


def _is_family(hint: Any) -> bool:
    """Whether each kind of workload has a type of its own of it."""
    return isinstance(hint, type) and OfKind in hint.__bases__


def _family(hint: Any) -> list[type]:
    """Those of our kinds."""
    return [hint.known[kind] for kind in registry.OURS if kind in hint.known]


def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _table(kind: Any) -> str:
    intro, meanings = _told(kind)
    for base in kind.__mro__[1:]:
        if dataclasses.is_dataclass(base):
            meanings = {**_told(base)[1], **meanings}
    hints = _hints(kind)
    meanings.setdefault("kind", "the name of its kind.")
    rows = [
        f"| `{field.name}` | {_spelt(hints[field.name])} | {_cell(meanings[field.name])} |"
        for field in dataclasses.fields(kind)
        if field.name != "schema" and (field.name != "kind" or issubclass(kind, OfKind))
    ]
    return "\n".join([f"{intro}\n", "| field | type | meaning |", "| --- | --- | --- |", *rows, ""])


def _told(kind: Any) -> tuple[str, dict[str, str]]:
    """A docstring's text but for its attributes, and what it says of each of them."""
    text = inspect.getdoc(kind) or ""
    intro, _, rest = text.partition("\nAttributes:\n")
    attributes, _, after = rest.partition("\n\n")
    meanings: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \S)", attributes):
        names, _, meaning = entry.partition(":")
        for name in re.split(r",\s*", names):
            meanings[name.strip()] = " ".join(meaning.split())
    return "\n\n".join(" ".join(p.split()) for p in [*intro.split("\n\n"), after] if p), meanings


def _spelt(hint: Any) -> str:
    """A type as a reader of JSON would put it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is type(None):
        return "null"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_spelt, arguments))
    if origin is typing.Literal:
        return " or ".join(f'"{value}"' for value in arguments)
    if origin is dict:
        return f"object of {_spelt(arguments[1])}"
    if origin in (list, tuple):
        return f"array of {_spelt(arguments[0])}"
    if _is_family(hint):
        return " or ".join(map(_spelt, _family(hint)))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        lines = {kind: name for name, kind in parsing.line_types(tuple(registry.OURS)).items()}
        if hint in lines:  # whose table is headed by what `kind` says
            return f"[`{lines[hint]}`](#{lines[hint]})"
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    return {str: "string", int: "integer", float: "number", bool: "boolean"}[hint]


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("<", r"\<")


if __name__ == "__main__":
    files.write(SCHEMA, schema())
    files.write(DICTIONARY, dictionary())
    print(SCHEMA.name, DICTIONARY.name)
