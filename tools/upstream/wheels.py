"""Released wheels: downloaded, unpacked, and packed again with a change in them. No torch.

A wheel needs no build, so both sides of a duel differ in the change alone.
"""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.utils import parse_wheel_filename
from packaging.version import Version

from bench import uv

_WHEN = (1980, 1, 1, 0, 0, 0)
"""The time that packed files bear: the same files make the same wheel."""


class WheelError(Exception):
    """A released wheel can't be had; one line."""


def released(requirement: str, folder: Path, found_in: Path | None) -> Path:
    """The wheel of a released version, downloaded unless it is there.

    Args:
        requirement: as torchattacks==3.5.1.
        folder: where it goes.
        found_in: a folder of wheels to take it from, without a network; None for the package index.

    Raises:
        WheelError: pip is missing, or can't get it.
    """
    if found := sorted(folder.glob("*.whl")):
        return found[0]
    words = ["--no-deps", "--only-binary", ":all:", "--dest", str(folder), requirement]
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(found_in.resolve())} if found_in else {}
    command = [sys.executable, "-m", "pip", "download", "--quiet", *words]
    _run(command, requirement, folder, {**os.environ, **offline})
    return next(iter(sorted(folder.glob("*.whl"))))


def install(needs: Sequence[str], folder: Path, found_in: Path | None) -> None:
    """Install what the running environment lacks into a folder, without what that depends on.

    Raises:
        UsageError: uv is missing.
        WheelError: uv can't install it.
    """
    words = ["pip", "install", "--no-deps", "--python", sys.executable, "--target"]
    try:
        uv.call([*words, str(folder.resolve()), *needs], folder, found_in)
    except uv.Failed as failed:
        raise WheelError(f"{', '.join(needs)} can't be had: {failed}") from failed


def _run(words: Sequence[str], what: str, folder: Path, variables: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # From there: a project in the current folder has constraints of its own for uv.
    done = subprocess.run(words, cwd=folder, env=variables, capture_output=True, text=True)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason is told"]
        raise WheelError(f"{what} can't be had: {' '.join(said[-1].split())}")


def unpack(wheel: Path, folder: Path) -> None:
    """Its files into a folder; Python finds what is in it as if it were installed."""
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)


def pack(folder: Path, wheel: Path) -> None:
    """Make a wheel of the files in a folder, with a RECORD that is true of them.

    Args:
        folder: as `unpack` leaves one, changed or not.
        wheel: what to write.
    """
    (record,) = folder.glob("*.dist-info/RECORD")
    own = record.relative_to(folder).as_posix()
    wheel.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    with zipfile.ZipFile(wheel, "w") as packed:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            if name == own or "__pycache__" in path.parts:
                continue
            content = path.read_bytes()
            lines.append(f"{name},sha256={_urlsafe(content)},{len(content)}")
            packed.writestr(_entry(name), content)
        packed.writestr(_entry(own), "\n".join([*lines, f"{own},,"]) + "\n")


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _WHEN)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _urlsafe(content: bytes) -> str:
    digest = hashlib.sha256(content).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def version(name: str) -> Version:
    """The version that a wheel's file name tells."""
    return parse_wheel_filename(name)[1]


def digest(path: Path) -> str:
    """The sha256 of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
