"""The two sides of a duel: what was asked for, and what got installed. Imports no torch.

Each side is a folder with one distribution in it, put first on the path of that side's workers;
Python, torch and everything else are the running environment's, the same for both.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path
from typing import Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from adapters import registry
from adapters.base import AdapterError
from bench import program
from bench.errors import UsageError
from bench.kinds import registry as kinds
from semibackward_bench.grammar import counted

Name = Literal["a", "b"]

_ARCHIVES = (".whl", ".tar.gz", ".zip")
_FORMS = "give a version, as torchattacks==3.5.1, a folder, as ./my-fork, or a wheel"
_DIGITS = 16


@dataclass(frozen=True)
class Asked:
    """What one side was asked to be.

    Attributes:
        name: which side.
        text: what the user wrote.
        source: what uv installs: a requirement, or the absolute path of a folder or an archive.
        local: whether it is a path.
    """

    name: Name
    text: str
    source: str
    local: bool

    def __str__(self) -> str:
        return f"--{self.name} {self.text}"


@dataclass(frozen=True)
class Side:
    """One side, installed.

    Attributes:
        asked: what it was asked to be.
        folder: where its distribution lies.
        distribution: the name of that.
        version: of it.
        modules: names of the top-level modules it brings.
        digest: of the files it brings, since two forks may have one version.
        unmet: requirements of its own that the shared environment does not meet, each with what
            is there.
    """

    asked: Asked
    folder: Path
    distribution: str
    version: str
    modules: tuple[str, ...]
    digest: str
    unmet: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


def parse(text: str, name: Name) -> Asked:
    """Read what --a or --b was given and look whether it is there.

    Raises:
        UsageError: it is no version, package folder or archive.
    """
    if "://" in text:
        raise UsageError(f"--{name} {text}: what an address holds may change; {_FORMS}")
    if text.startswith((".", "~")) or os.sep in text or text.endswith(_ARCHIVES):
        return _local(text, name)
    try:
        Requirement(text)
    except InvalidRequirement as error:
        first = str(error).partition("\n")[0]
        raise UsageError(f"--{name} {text}: {first}; {_FORMS}") from error
    return Asked(name, text, text, local=False)


def _local(text: str, name: Name) -> Asked:
    path = Path(text).expanduser()
    if path.is_dir():
        if not any((path / file).is_file() for file in ("pyproject.toml", "setup.py")):
            raise UsageError(
                f"--{name} {text}: the folder is no package, it has neither pyproject.toml nor"
                " setup.py; name the folder that pip would install"
            )
    elif not path.is_file():
        raise UsageError(f"--{name} {text}: there is no such folder or wheel; {_FORMS}")
    elif not path.name.endswith(_ARCHIVES):
        raise UsageError(f"--{name} {text}: the file is no wheel or source archive; {_FORMS}")
    return Asked(name, text, str(path.resolve()), local=True)


def found(asked: Asked, folder: Path) -> Side:
    """What was installed into a side's folder.

    Raises:
        UsageError: that is not one distribution with modules in it.
    """
    installed = list(importlib.metadata.distributions(path=[str(folder)]))
    if len(installed) != 1:
        found = counted(len(installed), "distribution")
        raise UsageError(f"{asked}: it installs {found}, not one; {_FORMS}")
    (distribution,) = installed
    modules = tuple(sorted(_modules(distribution)))
    if not modules:
        raise UsageError(
            f"{asked}: {distribution.name} installs no Python module; look at what its"
            " configuration packages"
        )
    return Side(
        asked,
        folder,
        distribution.name,
        distribution.version,
        modules,
        _digest(folder),
        tuple(_unmet(distribution)),
    )


def check_pair(a: Side, b: Side) -> None:
    """Look whether they can be held against each other.

    Raises:
        UsageError: they are of two libraries.
    """
    if canonicalize_name(a.distribution) != canonicalize_name(b.distribution):
        raise UsageError(
            f"{a.asked} is {a.distribution}, {b.asked} is {b.distribution}: a duel is between two"
            f" versions of one library; to compare libraries: {program.name()} --libs NAME NAME"
        )


def library_of(side: Side) -> str:
    """The name of the library that a side is a version of.

    Raises:
        UsageError: no adapter knows it.
    """
    duelling = {kind.subject for kind in kinds.every() if kind.duels}
    names: dict[str, str] = {}
    for name in registry.names():
        with contextlib.suppress(AdapterError):  # another's broken adapter is no concern of this
            adapter = registry.get(name)
            if adapter.subject in duelling and adapter.distribution != "torch":
                names[canonicalize_name(adapter.distribution)] = name
    found = names.get(canonicalize_name(side.distribution))
    if found is None:
        raise UsageError(
            f"no adapter knows {side.distribution}; name a function that calls it, as --attack"
            " my_attack.py:run or --workload my_workload.py:setup (there are adapters for"
            f" {', '.join(sorted(names))})"
        )
    return found


def _modules(distribution: Distribution) -> Iterator[str]:
    tops: dict[str, None] = {}
    for file in distribution.files or ():
        top = file.parts[0]
        if len(file.parts) == 1 and file.suffix in (".py", ".so", ".pyd"):
            tops[top.partition(".")[0]] = None
        elif len(file.parts) > 1 and top.isidentifier() and file.suffix in (".py", ".so", ".pyd"):
            tops[top] = None
    yield from tops


def _digest(folder: Path) -> str:
    """Of what is installed, but for what tells when and how."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        told = any(part.endswith(".dist-info") or part == "__pycache__" for part in inside.parts)
        if path.is_file() and not told and not inside.parts[0].startswith("."):
            digest.update(str(inside).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:_DIGITS]


def _unmet(distribution: Distribution) -> Iterator[str]:
    """Requirements that the shared environment does not meet; extras are nobody's."""
    for text in distribution.requires or ():
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        asked = f"{wanted.name}{wanted.specifier}"
        try:
            here = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            yield f"{asked} (there is none)"
            continue
        if not wanted.specifier.contains(here, prereleases=True):
            yield f"{asked} (there is {here})"
