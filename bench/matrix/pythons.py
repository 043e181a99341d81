"""Which Python a torch runs on, and where that is. Imports no torch."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from packaging.version import Version

from bench import resolving, uv
from bench.matrix.asked import LATEST

KNOWN = ("3.10", "3.11", "3.12", "3.13")
"""Those that workers run on, oldest first: the oldest that a torch has wheels for is taken, so that
as many versions of torch as can be are on the same."""


class NoPython(Exception):
    """There is no interpreter for a torch; the message says why, and what to do."""


def of_torch(torch: str, folder: Path, wheels: Path | None) -> tuple[str, str, str]:
    """The torch's version, the version of the Python that it will run on, and its interpreter.

    Args:
        torch: its version, or "latest".
        folder: to work in.
        wheels: take packages from this folder alone.

    Raises:
        NoPython: it has no wheels for any that workers run on, or none of those is here.
        UsageError: uv is not here.
    """
    wanted = "torch" if torch == LATEST else f"torch=={torch}"
    offered: list[str] = []
    usable: list[tuple[str, str, str]] = []
    refused = ""
    for python in KNOWN:
        try:
            found = resolving.resolve(
                [wanted], folder, python=python, wheels=wheels, alone=True, built=["torch"]
            )
        except uv.Failed as failed:
            refused = refused or str(failed)
            continue
        offered.append(python)
        if interpreter := find(python, folder):
            # Of a wheel that is built for one device the version tells which, as 2.4.1+cpu.
            version = str(resolving.version_of("torch", found)).partition("+")[0]
            usable.append((version if torch == LATEST else torch, python, interpreter))
            if torch != LATEST:
                break
    if usable:
        return max(usable, key=lambda one: Version(one[0]))  # the first of equals
    if not offered:
        raise NoPython(f"there is no {wanted} for Python {', '.join(KNOWN)}: {refused}")
    raise NoPython(
        f"{wanted} has wheels for Python {', '.join(offered)}, and none of these is here:"
        f" uv python install {offered[-1]}"
    )


def find(version: str, folder: Path) -> str | None:
    """The interpreter of a version; None where none is found.

    Args:
        version: as "3.10".
        folder: to work in.
    """
    if version == ".".join(platform.python_version_tuple()[:2]):
        return os.path.realpath(sys.executable)
    words = ["python", "find", "--no-project", version]
    try:
        return uv.call(words, folder, variables={"PATH": _path()}).strip() or None
    except uv.Failed:
        return None


def _path() -> str:
    """Where programs are looked for, and then where pyenv keeps those that it does not show."""
    root = Path(os.environ.get("PYENV_ROOT") or Path("~/.pyenv").expanduser())
    kept = [str(place) for place in sorted(root.glob("versions/*/bin"), reverse=True)]
    return os.pathsep.join([os.environ.get("PATH", ""), *kept])
