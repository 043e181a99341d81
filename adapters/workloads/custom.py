"""A user's workload, `FILE.py:setup` or `package.module:setup`: imported, called and checked."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters import custom, sources
from adapters.base import AdapterError
from adapters.custom import AttackSpec
from adapters.workloads.base import EXAMPLE, GIVEN, Program

OPTION = "--workload"
LONGEST = 300
"""Characters that a sentence repeats of what a user's code raised."""


@dataclass(frozen=True)
class Taken:
    """What a `setup` takes of what there is to give.

    Attributes:
        names: of `GIVEN`, those that its signature has.
        batch: its own batch size; None where it has none.
    """

    names: tuple[str, ...]
    batch: int | None = None


def parse(text: str) -> AttackSpec:
    """Read what --workload was given, and look whether it is there; its code is not run.

    Raises:
        AdapterError: the form is wrong, or the file, module or function does not exist.
    """
    return custom.parse(text, OPTION, EXAMPLE)


def setup_of(text: str) -> Callable[..., Any]:
    """The function that makes a workload; its file is imported.

    Raises:
        AdapterError: it can't be imported, or is no function.
    """
    spec = parse(text)
    found = getattr(custom.import_place(spec), spec.function, None)
    if not callable(found):
        raise AdapterError(f"{OPTION} {text}: {spec.place} has no function {spec.function}")
    setup: Callable[..., Any] = found
    return setup


def taken(setup: Callable[..., Any], text: str) -> Taken:
    """What a `setup` takes.

    Args:
        setup: the function.
        text: what the user wrote, for errors.

    Raises:
        AdapterError: it needs something that nobody can give.
    """
    try:
        parameters = inspect.signature(setup).parameters
    except (TypeError, ValueError):  # built in C: calling it will tell
        return Taken(())
    named, more = [], []
    for name, each in parameters.items():
        by_name = each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        some = each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        if by_name and name in GIVEN:
            named.append(name)
        elif each.default is each.empty and not some:
            more.append(name)
    if more:
        raise AdapterError(
            f"{OPTION} {text}: it needs {' and '.join(more)}; what it is given by name is"
            f" {', '.join(GIVEN[:-1])} and {GIVEN[-1]}: give the rest a default"
        )
    default = parameters["batch"].default if "batch" in named else None
    whole = isinstance(default, int) and not isinstance(default, bool)
    return Taken(tuple(named), default if whole else None)


def made(setup: Callable[..., Any], text: str, given: Mapping[str, Any]) -> Program:
    """Call a `setup` and check what it returns.

    Args:
        setup: the function.
        text: what the user wrote, for errors.
        given: the values of `GIVEN`.

    Raises:
        AdapterError: it raises, or returns no workload.
    """
    from adapters.workloads import reading  # needs torch

    names = taken(setup, text).names
    try:
        returned = setup(**{name: given[name] for name in names})
    except SystemExit as error:
        raise AdapterError(f"{text} ends the program{_where(error)}; let it return") from error
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        said = textwrap.shorten(said, LONGEST, placeholder=" ...")
        raise AdapterError(f"{text} raises{_where(error)}: {said}") from error
    return reading.read(returned, text)


def _where(error: BaseException) -> str:
    last = sources.line_of(error)
    return f" in {sources.spelt(last)}" if last else ""
