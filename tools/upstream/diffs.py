"""Unified diffs: their form, and applying them with git. Imports no torch."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

_OLD, _NEW = "--- a/", "+++ b/"
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_DEEPEST = 3
"""Folders above the package in a project's source, as src/, at most; a wheel has none of them."""


class DiffError(Exception):
    """A diff is not one, or does not apply; one line."""


def parse(text: str) -> dict[str, int]:
    """Read a diff and hold it to its own counts. Pure.

    Args:
        text: unified, each file below `--- a/PATH` and `+++ b/PATH`; what stands above the first is
            prose.

    Returns:
        by the path of each file that it changes, how many hunks.

    Raises:
        DiffError: it changes nothing, or a hunk has more or fewer lines than its head says.
    """
    found: dict[str, int] = {}
    lines = text.splitlines()
    place, at = "", 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith(_OLD):
            place = line.removeprefix(_OLD).partition("\t")[0]
            above = lines[at].partition("\t")[0] if at < len(lines) else ""
            if above != f"{_NEW}{place}":
                raise DiffError(f"line {at + 1}: below {_OLD}{place} stands not {_NEW}{place}")
            if not _is_inside(place):
                raise DiffError(f"line {at}: {place} is no path inside of the project")
            found[place] = 0
            at += 1
        elif line.startswith("@@"):
            if not place:
                raise DiffError(f"line {at}: a hunk of no file")
            at = _hunk(lines, at)
            found[place] += 1
    if not found or not all(found.values()):
        raise DiffError("it changes no file, or names one and does not change it")
    return found


def _is_inside(place: str) -> bool:
    path = PurePosixPath(place)
    return not path.is_absolute() and ".." not in path.parts


def _hunk(lines: Sequence[str], start: int) -> int:
    """The number of the line behind the hunk whose head is above line `start`."""
    head = _HUNK.match(lines[start - 1])
    if head is None:
        raise DiffError(f"line {start}: this is no head of a hunk")
    old, new = (int(count or 1) for count in head.groups())
    at = start
    while (old > 0 or new > 0) and at < len(lines):
        mark = lines[at][:1]
        if mark not in ("", " ", "-", "+", "\\"):
            break
        old -= mark in ("", " ", "-")
        new -= mark in ("", " ", "+")
        at += 1
    if old or new:
        raise DiffError(f"line {start}: the hunk has not as many lines as its head says")
    if at < len(lines) and lines[at][:1] in (" ", "-", "+") and not lines[at].startswith(_OLD):
        raise DiffError(f"line {start}: the hunk has more lines than its head says")
    return at


def depth(paths: Sequence[str], folder: Path) -> int:
    """How many folders at the front of a diff's paths a folder lacks, as src/ in a wheel.

    Raises:
        DiffError: the files are not there, however many are left out.
    """
    for above in range(_DEEPEST):
        inside = [PurePosixPath(*PurePosixPath(path).parts[above:]) for path in paths]
        if all((folder / path).is_file() for path in inside):
            return above
    raise DiffError(f"there is no {', '.join(paths)} in what was released")


def apply(diff: Path, folder: Path) -> None:
    """Change the files in a folder as a diff says: all of it, or nothing.

    Args:
        diff: of paths from the root of the project's source.
        folder: the released files, as a wheel has them.

    Raises:
        DiffError: git is missing, or the diff does not apply; it has the diff's name.
    """
    git = shutil.which("git")
    if git is None:
        raise DiffError(f"{diff.name} is applied by git, which is not here: install git")
    try:
        above = depth(list(parse(diff.read_text(encoding="utf-8"))), folder)
    except DiffError as error:
        raise DiffError(f"{diff.name}: {error}") from error
    # A repository that the folder lies in is none of git's business here.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)}
    for check in (["--check"], []):
        done = subprocess.run(
            [git, "apply", *check, f"-p{1 + above}", "--whitespace=nowarn", str(diff.resolve())],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            said = " ".join(done.stderr.split())
            raise DiffError(f"{diff.name} does not apply to what was released: {said}")
