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
image_size = 112
steps = 5                  # or a list; or defaults = true: the libraries' own hyperparameters
training = ["pgd"]         # optional: measure training with these attacks inside; no image_size
queries = 8                # of text, which has no image_size and no steps: the most for a sentence
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any

from adapters import registry
from adapters.data import DIGITS
from adapters.text.sentences import SHIPPED
from bench.errors import UsageError
from bench.words import closest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

QUICK = "quick"
PAPER_LIBRARIES = "paper-libraries"
TRAINING = "training"
TEXT = "text"
COUNTS = "counts"
TRAINING_SIZE = 32
"""Side of the images of all data sets to train on, in pixels."""


@dataclass(frozen=True)
class Selection:
    """A product of lists; each field is named as on the command line.

    `steps` may be left out with `defaults`, the libraries' own hyperparameters; `attacks` may be
    ["all"]; without `variants` each attack gets those that fit it. With `training` its methods are
    measured, on `data`, which sets the images' size and classes. Where the libraries attack text,
    `models` are victims, `batch` counts sentences, and `image_size` and `steps` are None; `queries`
    of 0 stands for as many as an attack makes.
    """

    libs: tuple[str, ...]
    attacks: tuple[str, ...]
    models: tuple[str, ...]
    batch: tuple[int, ...]
    image_size: int | None = None
    steps: tuple[int, ...] | None = None
    dtype: str = "float32"
    defaults: bool = False
    classes: int | None = None
    variants: tuple[str, ...] | None = None
    training: tuple[str, ...] | None = None
    replays: int | None = None
    data: str = DIGITS
    queries: int = 0
    sentences: str = SHIPPED
    resources: str | None = None


@dataclass(frozen=True)
class Limits:
    """How long and how exactly each case is measured.

    Attributes:
        precision: half-width of the interval of the log ratio that is narrow enough.
        max_seconds: measuring time per case, after checks and warm-up.
        processes: fresh worker processes per case.
        timeout: wall seconds after which a process of a case is given up; by default ten minutes,
            or what five times the measuring time asks for.
    """

    precision: float = 0.02
    max_seconds: float = 15.0
    processes: int = 3
    timeout: float | None = None

    @property
    def patience(self) -> float:
        """Wall seconds after which a process of a case is given up."""
        return max(600.0, 5 * self.max_seconds + 300) if self.timeout is None else self.timeout


@dataclass(frozen=True)
class Suite:
    """A named list of products."""

    name: str
    description: str
    groups: tuple[Selection, ...]
    limits: Limits


def names() -> list[str]:
    """The suites that come with the program."""
    folder = resources.files("bench").joinpath("suites")
    return sorted(p.name[: -len(".toml")] for p in folder.iterdir() if p.name.endswith(".toml"))


def load(name: str) -> Suite:
    """Load a suite by name, or from a path that ends in .toml.

    Raises:
        UsageError: there is none, or it is no suite.
    """
    if name.endswith(".toml"):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"suite {name}: can't be read: {error}") from error
        return _parse(Path(name).stem, name, text)
    if name not in names():
        raise UsageError(
            f"unknown suite {name!r}{closest(name, names())}; or give a path ending in .toml"
        )
    file = resources.files("bench").joinpath("suites").joinpath(f"{name}.toml")
    return _parse(name, name, file.read_text(encoding="utf-8"))


def override(suite: Suite, **given: Any) -> Suite:
    """Replace in every group and in the limits what is given and not None."""
    wanted = {key: value for key, value in given.items() if value is not None}
    of_group = {f.name for f in fields(Selection)} & wanted.keys()
    of_limits = {f.name for f in fields(Limits)} & wanted.keys()
    groups = (replace(group, **{key: wanted[key] for key in of_group}) for group in suite.groups)
    return replace(
        suite,
        groups=tuple(dict.fromkeys(groups)),
        limits=replace(suite.limits, **{key: wanted[key] for key in of_limits}),
    )


def _parse(name: str, place: str, text: str) -> Suite:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"suite {place}: no TOML: {error}") from error
    _only(found, {"description": str, "run": dict, "cases": list}, place)
    groups = found.get("cases", [])
    if not groups or not all(isinstance(group, dict) for group in groups):
        raise UsageError(f"suite {place}: it names no [[cases]]")
    return Suite(
        name,
        found.get("description", ""),
        tuple(_selection(group, place) for group in groups),
        _limits(found.get("run", {}), place),
    )


def _selection(group: dict[str, Any], place: str) -> Selection:
    lists = {"libs": str, "attacks": str, "models": str, "batch": int}
    optional = {"variants": str, "training": str, "steps": int}
    numbers = ("image_size", "replays", "classes", "queries")
    single = {**dict.fromkeys(numbers, int), "dtype": str, "defaults": bool}
    if isinstance(group.get("steps"), int):
        group = {**group, "steps": [group["steps"]]}
    _only(group, {**dict.fromkeys([*lists, *optional], list), **single, "data": str}, place)
    if "training" in group:
        group = {"image_size": TRAINING_SIZE, **group}
    needed = [*lists, "image_size", *([] if group.get("defaults") else ["steps"])]
    if any(registry.subject(str(name)) == "text" for name in group.get("libs", ())):
        needed = [*lists]
    missing = [key for key in needed if key not in group]
    if missing:
        raise UsageError(f"suite {place}: [[cases]] lacks {', '.join(missing)}")
    lists.update({key: kind for key, kind in optional.items() if key in group})
    for key, kind in lists.items():
        if not group[key] or not all(type(value) is kind for value in group[key]):
            raise UsageError(f"suite {place}: {key} must be a list of {kind.__name__}")
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in group.items()}
    return Selection(**values)


def _limits(table: dict[str, Any], place: str) -> Limits:
    number = (int, float)
    known = {"precision": number, "max_seconds": number, "processes": int, "timeout": number}
    _only(table, known, place)
    for key, value in table.items():
        if not 0 < value < float("inf"):
            raise UsageError(f"suite {place}: {key} = {value} must be above 0")
    return Limits(**table)


def _only(table: dict[str, Any], known: dict[str, Any], place: str) -> None:
    for key, value in table.items():
        if key not in known:
            raise UsageError(f"suite {place}: unknown key {key!r}{closest(key, known)}")
        if not isinstance(value, known[key]) or isinstance(value, bool) != (known[key] is bool):
            raise UsageError(f"suite {place}: {key} = {value!r} is of the wrong type")
