"""Suites: named lists of cases in TOML files, and the product that makes cases of them.

description = "what it is for"

[run]                      # optional; what the command line says goes before it
precision = 0.02
max_seconds = 15

[[cases]]                  # each block is a product of its lists
libs = ["torchattacks", "foolbox"]
attacks = ["pgd"]
models = ["resnet18"]
batch = [4]
kind = "images"            # optional, where the rest tells; the kind says what else there may be
image_size = 112
steps = 5                  # or a list; or defaults = true: the libraries' own hyperparameters

A kind's suites lie in its folder; what they may hold is in the type of its groups.
"""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import files
from bench.errors import UsageError
from bench.kinds import registry
from bench.kinds.base import Kind
from bench.kinds.group import Group
from bench.words import closest

if TYPE_CHECKING:
    from importlib.abc import Traversable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_ENDING = ".toml"
MEMORY = ("keep", "system", "both")
_ONE: dict[Any, str] = {
    bool: "true or false",
    float: "a number",
    int: "a whole number",
    list: "a list",
    str: "text in quotes",
    (int, float): "a number",
}
_MANY: dict[type, str] = {float: "numbers", int: "whole numbers", str: "texts in quotes"}
"""What a value in TOML has to be, in words."""


@dataclass(frozen=True)
class Limits:
    """How long and how exactly each case is measured.

    Attributes:
        precision: half-width of the interval of the log ratio that is narrow enough.
        max_seconds: measuring time per case, after checks and warm-up.
        processes: fresh worker processes per case.
        memory: what workers on a CPU do with memory that is given back: "keep" it, leave it to the
            "system", or "both": the second beside the first.
        timeout: wall seconds after which a process of a case is given up; by default ten minutes,
            or what five times the measuring time asks for.
    """

    precision: float = 0.02
    max_seconds: float = 15.0
    processes: int = 3
    memory: str = "keep"
    timeout: float | None = None

    @property
    def patience(self) -> float:
        """Wall seconds after which a process of a case is given up."""
        return max(600.0, 5 * self.max_seconds + 300) if self.timeout is None else self.timeout


@dataclass(frozen=True)
class Suite:
    """A named list of products.

    Attributes:
        remarks: what was chosen otherwise than its name or the command line says, for the user.
        alone: whether its cases are so short that slots beside each other on a CPU would show.
    """

    name: str
    description: str
    groups: tuple[Group, ...]
    limits: Limits
    remarks: tuple[str, ...] = ()
    alone: bool = False


def names() -> list[str]:
    """The suites that come with the kinds."""
    return sorted(_files())


def load(name: str) -> Suite:
    """Load a suite by name, or from a path that ends in .toml.

    Raises:
        UsageError: there is none, or it is no suite.
    """
    if name.endswith(_ENDING):
        try:
            text = files.text(Path(name))
        except files.Unreadable as error:
            raise UsageError(f"suite {name}: can't be read: {error}") from error
        return _parse(Path(name).stem, name, text)
    shipped = _files()
    if name not in shipped:
        raise UsageError(
            f"unknown suite {name!r}{closest(name, names())}; or give a path ending in .toml"
        )
    return _parse(name, name, shipped[name].read_text(encoding="utf-8"))


def _files() -> dict[str, Traversable]:
    found = {}
    for kind in reversed(registry.every()):
        folder = kind.suites()
        if folder is not None and folder.is_dir():
            found.update({file.name[: -len(_ENDING)]: file for file in _in(folder)})
    return found


def _in(folder: Traversable) -> Iterator[Traversable]:
    return (file for file in folder.iterdir() if file.name.endswith(_ENDING))


def _parse(name: str, place: str, text: str) -> Suite:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"suite {place}: no TOML: {error}") from error
    _only(found, {"description": str, "alone": bool, "run": dict, "cases": list}, place)
    groups = found.get("cases", [])
    if not groups or not all(isinstance(group, dict) for group in groups):
        raise UsageError(f"suite {place}: it names no [[cases]]")
    return Suite(
        name,
        found.get("description", ""),
        tuple(_group(group, place) for group in groups),
        _limits(found.get("run", {}), place),
        alone=found.get("alone", False),
    )


def _group(table: dict[str, Any], place: str) -> Group:
    kind = _kind(table, place)
    made = kind.group
    table = {**made.completed(table), "kind": kind.name}
    spelt = {f.name: _spelt(hint) for f, hint in _hints(made)}
    for key in table.keys() & {key for key, (one, _) in spelt.items() if one is float}:
        table[key] = _as_float(table[key])
    _only(table, {key: list if many else one for key, (one, many) in spelt.items()}, place)
    missing = [key for key in made.needed(table) if key not in table]
    if missing:
        raise UsageError(f"suite {place}: [[cases]] lacks {', '.join(missing)}")
    for key, value in table.items():
        one, many = spelt[key]
        if many and not (value and all(type(each) is one for each in value)):
            raise UsageError(f"suite {place}: {key} must be a list of {_MANY.get(one, 'others')}")
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    return made(**values)


def _as_float(value: Any) -> Any:
    """A whole number does for a float, and is the same case then."""
    if isinstance(value, list):
        return [_as_float(each) for each in value]
    return float(value) if type(value) is int else value


def _kind(table: dict[str, Any], place: str) -> Kind:
    """The kind that a table names, or else the one that claims it."""
    name = table.get("kind")
    if name is None:
        return registry.claiming(table)
    if not isinstance(name, str) or name not in registry.names():
        known = registry.names()
        raise UsageError(f"suite {place}: unknown kind {name!r}{closest(str(name), known)}")
    return registry.get(name)


def _hints(made: type[Group]) -> Iterator[tuple[dataclasses.Field[Any], Any]]:
    hints = typing.get_type_hints(made)
    return ((field, hints[field.name]) for field in dataclasses.fields(made))


def _spelt(hint: Any) -> tuple[type, bool]:
    """What a field holds in TOML: the type of one value, and whether it is a list of them."""
    given = [each for each in typing.get_args(hint) if each is not type(None)]
    if typing.get_origin(hint) is tuple:
        return given[0], True
    return (hint, False) if not given else _spelt(given[0])


def _limits(table: dict[str, Any], place: str) -> Limits:
    number = (int, float)
    known = {"precision": number, "max_seconds": number, "processes": int, "timeout": number}
    _only(table, {**known, "memory": str}, place)
    if table.get("memory", "keep") not in MEMORY:
        raise UsageError(
            f"suite {place}: memory = {table['memory']!r} is none of {', '.join(MEMORY)}"
        )
    for key, value in table.items():
        if key in known and not 0 < value < float("inf"):
            raise UsageError(f"suite {place}: {key} = {value} must be above 0")
    return Limits(**table)


def _only(table: dict[str, Any], known: dict[str, Any], place: str) -> None:
    for key, value in table.items():
        if key not in known:
            raise UsageError(f"suite {place}: unknown key {key!r}{closest(key, known)}")
        if not isinstance(value, known[key]) or isinstance(value, bool) != (known[key] is bool):
            wanted = _ONE.get(known[key], "of another type")
            raise UsageError(f"suite {place}: {key} = {value!r} must be {wanted}")
