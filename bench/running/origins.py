"""Where the libraries of a run are imported from, and whether that is where the user has them.

Imports no torch, and no library: a worker, which has the path they will be imported by, looks for
them before anything slow.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adapters import custom, versions
from adapters.origins import Origin
from bench.cases import Comparison
from bench.errors import UsageError
from bench.kinds.request import Request, flag
from bench.records import provenance

Ask = Callable[[dict[str, Any]], dict[str, Any]]
"""Asks a worker."""

OPTION = flag("expect_from")
OURS = ("reference", "papers")
"""Libraries that this program brings itself."""
_MODULE = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*):[A-Za-z_]\w*")
_NAMED = re.compile(r"([A-Za-z_][\w.-]*)=(.+)", re.DOTALL)


@dataclass(frozen=True)
class Expected:
    """Where one library, or each ("" for its name), must be imported from."""

    name: str
    folder: Path


def parse(texts: Iterable[str]) -> list[Expected]:
    """What --expect-from was given.

    Raises:
        UsageError: there is no such folder.
    """
    found = []
    for text in texts:
        named = None if Path(text).is_dir() else _NAMED.fullmatch(text)
        name, folder = named.groups() if named else ("", text)
        if not Path(folder).expanduser().is_dir():
            raise UsageError(
                f"{OPTION} {text}: there is no folder {folder}; name the one that the library's"
                " checkout is in"
            )
        found.append(Expected(name, Path(folder).expanduser()))
    return found


def look(
    ask: Ask, request: Request, comparisons: Iterable[Comparison], expected: Sequence[Expected]
) -> dict[str, Origin]:
    """Where everything that is measured comes from, as records keep it.

    Args:
        ask: asks a worker.
        request: what was asked.
        comparisons: what is measured.
        expected: what --expect-from was given.

    Raises:
        UsageError: something is not imported from where it is expected.
    """
    comparisons = list(comparisons)
    every = list(dict.fromkeys(comparison.case for comparison in comparisons))
    files = [*provenance.own_files(request.own), *provenance.named(request, comparisons)]
    libraries = list(dict.fromkeys(c.library for c in every if c.library != custom.LIBRARY))
    specs = (spec for case in every for spec in (case.attack, case.model))
    modules = [match[1] for match in map(_MODULE.fullmatch, specs) if match]
    named = [one.name for one in expected if one.name and one.name not in libraries]
    asked = {
        "do": "origins",
        "libraries": libraries,
        "modules": list(dict.fromkeys((*modules, *named))),
        "files": [str(path) for path in files if path.suffix == ".py"],
    }
    found = {name: Origin(**told) for name, told in ask(asked)["origins"].items()}
    tops = [module.partition(".")[0] for module in modules]
    check(found, [*libraries, *dict.fromkeys(tops)], expected)
    return {name: replace(one, place=versions.shown(one.place)) for name, one in found.items()}


def check(
    found: Mapping[str, Origin], measured: Sequence[str], expected: Sequence[Expected]
) -> None:
    """Whether everything is imported from where it is expected. Reads folders, nothing else.

    Args:
        found: where what is there comes from.
        measured: the libraries and modules that were asked for; a folder without a name is
            where all of them must come from that no other names, but for our own.
        expected: what --expect-from was given.

    Raises:
        UsageError: one is not, or nothing can be looked at.
    """
    named: dict[str, list[Path]] = {}
    for one in expected:
        if one.name:
            named.setdefault(_key(one.name, found), []).append(one.folder)
    for name, folders in named.items():
        _check_one(name, found.get(name), folders)
    everywhere = [one.folder for one in expected if not one.name]
    rest = [name for name in measured if name not in named and name not in OURS]
    if not everywhere:
        return
    if not rest and not named:
        raise UsageError(
            f"{OPTION} {everywhere[0]}: no library is measured that could come from there; name"
            f" the module, as {OPTION} NAME={everywhere[0]}"
        )
    for name in rest:
        _check_one(name, found.get(name), everywhere)


def _key(name: str, found: Mapping[str, Origin]) -> str:
    """What records call a library that may be named as it is imported."""
    top = name.partition(".")[0]
    imported = {origin.module.partition(".")[0]: key for key, origin in found.items()}
    return name if name in found else imported.get(top, name)


def _check_one(name: str, found: Origin | None, folders: Sequence[Path]) -> None:
    wanted = " or ".join(map(str, folders))
    if found is None:
        raise UsageError(
            f"{OPTION}: no module of {name} is found anywhere, not under {wanted} either;"
            f" {_mend(name, folders)}"
        )
    if not any(_under(Path(found.place), folder) for folder in folders):
        raise UsageError(
            f"{OPTION}: {found.module} is imported from {versions.shown(found.place)}, not from"
            f" under {wanted}; {_mend(found.module, folders)}"
        )


def _under(place: Path, folder: Path) -> bool:
    """Whether a place lies in a folder, as it is seen or where links lead."""
    seen = Path(os.path.abspath(folder))  # noqa: PTH100 - links are kept as they are seen
    return place.is_relative_to(seen) or place.resolve().is_relative_to(folder.resolve())


def _mend(module: str, folders: Sequence[Path]) -> str:
    """What to do about it: what PYTHONPATH is, and where the module lies in the folders."""
    path = os.environ.get("PYTHONPATH")
    parts = [part for part in (path or "").split(os.pathsep) if part]
    lost = [part for part in parts if not Path(part).exists()]
    if lost:
        said = f"PYTHONPATH probably is mistyped: there is no folder {lost[0]}"
    elif path:
        said = f"PYTHONPATH probably is mistyped, it is {path}"
    else:
        said = "PYTHONPATH is not set"
    inside = module.replace(".", "/")
    for folder in folders:
        for parent in (folder, folder / "src", *sorted(folder.glob("*/"))):
            if (parent / inside / "__init__.py").is_file() or (parent / f"{inside}.py").is_file():
                return f"{said}; the package lies in {parent}: set PYTHONPATH={parent}"
    return f"{said}; it must name the folder that the package lies in"
