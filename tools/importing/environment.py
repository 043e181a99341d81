"""A fresh environment without an index: a new venv that holds some wheels, unpacked, and links to
what the machine it stands for is said to have."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path, PurePosixPath

from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).resolve().parent.parent.parent
_INSIDE = ("purelib", "platlib")
"""What of a wheel's .data folder goes where modules are looked for."""


class Fresh:
    """A new venv that sees nothing of this one.

    Args:
        folder: where it is made.
    """

    def __init__(self, folder: Path) -> None:
        venv.EnvBuilder(symlinks=True).create(folder)
        self.python = folder / "bin" / "python"
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        self.site = folder / "lib" / version / "site-packages"

    def fill(self, wheels: Iterable[Path], had: Iterable[str]) -> list[str]:
        """Unpack wheels, and link what the machine has from what is installed here.

        Args:
            wheels: of which those for another Python are stood in for by what is installed here.
            had: names of distributions; those that are not installed here stay unseen.

        Returns:
            the names of those that were stood in for.
        """
        stood_in: list[str] = []
        for wheel in wheels:
            distribution, _, _, tags = parse_wheel_filename(wheel.name)
            if tags.isdisjoint(sys_tags()):
                stood_in.append(distribution)
            else:
                unpack(wheel, self.site)
        for name in (*stood_in, *had):
            for top in tops(name):
                link(top, self.site / top.name)
        return stood_in

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run its Python at the root of the checkout, which it sees besides."""
        hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
        ours = {name: value for name, value in os.environ.items() if name not in hidden}
        return subprocess.run(
            [self.python, *words],
            cwd=ROOT,
            env={**ours, "PYTHONNOUSERSITE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )


def unpack(wheel: Path, site: Path) -> None:
    """Unpack a wheel as an installer does, its scripts and headers left out."""
    with zipfile.ZipFile(wheel) as packed:
        for name in packed.namelist():
            parts = PurePosixPath(name).parts
            if parts[0].endswith(".data"):
                if len(parts) < 3 or parts[1] not in _INSIDE:
                    continue
                parts = parts[2:]
            target = site.joinpath(*parts)
            if name.endswith("/"):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(packed.read(name))


def tops(name: str) -> set[Path]:
    """What a distribution has where modules are looked for; nothing if it is not installed here."""
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return set()
    names = {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "/")}
    return {Path(str(found.locate_file(each))) for each in names - {"__pycache__"}}


def link(source: Path, target: Path) -> None:
    """Link it; into a folder that is there already, what it has and that folder has not."""
    if target.is_symlink() or (target.exists() and not source.is_dir()):
        return
    if target.is_dir():
        for each in source.iterdir():
            link(each, target / each.name)
        return
    target.symlink_to(source)
