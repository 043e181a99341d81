"""Environments made by uv, once, in a cache folder: one for each torch, and a layer in it for each
version of a library. Imports no torch.

A layer is a folder that comes first on the path of its workers. It holds what the library's version
and this torch are resolved to together, less what the environment has in those very versions, so
that it is as if the two had been installed into an environment of their own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adapters import caching
from bench import resolving, uv
from bench.errors import UsageError
from bench.matrix import pythons, requirements
from bench.matrix.asked import Library
from bench.matrix.pythons import NoPython
from bench.records import opening
from bench.resolving import Package
from semibackward_bench.grammar import counted

FOLDER = "environments"
UNPACKED = 1.9
"""Bytes that an environment takes for each that is downloaded, about."""
READY = "ready.json"
_DIGITS = 12


class NotInstalled(Exception):
    """An environment can't be had; the message says why.

    Attributes:
        whole: all that uv said of it.
    """

    def __init__(self, reason: str, whole: str = "") -> None:
        super().__init__(reason)
        self.whole = whole


@dataclass(frozen=True)
class Planned:
    """An environment for one torch, that may not be there yet.

    Attributes:
        asked: the torch, as asked.
        torch: its version.
        python: the version of its Python.
        interpreter: the path of that.
        requirements: what it is made of.
        packages: what that comes to.
        folder: where it goes.
        reason: why it can't be had, where that is so; the rest is empty then.
    """

    asked: str
    torch: str
    python: str = ""
    interpreter: str = ""
    requirements: tuple[str, ...] = ()
    packages: tuple[Package, ...] = ()
    folder: Path = field(default_factory=Path)
    reason: str | None = None

    @property
    def ready(self) -> bool:
        """Whether it is there."""
        return (self.folder / READY).is_file()

    @property
    def download(self) -> int:
        """Bytes of what it is made of, packed."""
        return sum(package.size or 0 for package in self.packages)


@dataclass(frozen=True)
class Base:
    """An environment for one torch.

    Attributes:
        planned: how it was planned.
        python: its interpreter.
        pins: version by canonical name of what is in it.
    """

    planned: Planned
    python: Path
    pins: dict[str, str]


class Environments:
    """The environments of a matrix.

    Args:
        wheels: take packages from this folder alone; None for the index.
        keep: how many are kept at once; None for all. With a number uv's own cache of what is in
            an environment lies in it, and goes with it.
        above: the folder they are in; None for the program's cache.

    Raises:
        AdapterError: no home directory is known.
    """

    def __init__(
        self, wheels: Path | None = None, keep: int | None = None, above: Path | None = None
    ) -> None:
        self.folder = (above or caching.folder(FOLDER, "environments")).resolve()
        self._wheels = wheels
        self._keep = keep
        self._making = threading.Lock()
        self._made: list[Path] = []

    def plan(self, torch: str) -> Planned:
        """What an environment for a torch will be.

        Args:
            torch: its version, or "latest".

        Raises:
            UsageError: uv is not here.
        """
        try:
            version, python, interpreter = pythons.of_torch(torch, self.folder, self._wheels)
        except NoPython as error:
            return Planned(torch, torch, reason=str(error))
        wanted = tuple(requirements.of_torch(version))
        source = "" if self._wheels is None else str(self._wheels.resolve())
        name = f"torch-{version}-python-{python}-{_digest([*wanted, interpreter, source])}"
        folder = self.folder / name
        if (told := _read(folder)) is not None:
            packages = tuple(Package(name, pin) for name, pin in told.items())
        else:
            try:
                packages = tuple(
                    resolving.resolve(
                        wanted,
                        self.folder,
                        python=interpreter,
                        wheels=self._wheels,
                        built=["torch"],
                    )
                )
            except uv.Failed as failed:
                return Planned(torch, version, reason=str(failed))
        return Planned(torch, version, python, interpreter, wanted, packages, folder)

    @contextlib.contextmanager
    def base(self, planned: Planned) -> Iterator[Base]:
        """An environment, made if need be; nothing else removes it inside the block.

        Raises:
            NotInstalled: it can't be made.
            UsageError: uv is not here.
        """
        if planned.reason is not None:
            raise NotInstalled(planned.reason)
        with _locked(planned.folder):
            self._make_room(planned.folder)
            if not planned.ready:
                self._make(planned)
            pins = _read(planned.folder)
            assert pins is not None
            yield Base(planned, _python_in(planned.folder), pins)

    def layer(self, base: Base, library: Library) -> Path | None:
        """The folder with a version of a library; None where it needs none.

        Raises:
            NotInstalled: it can't be installed beside this torch.
            UsageError: uv is not here.
        """
        if not library.distribution:
            return None
        wanted = [
            str(library),
            *requirements.beside(library.distribution, base.planned.torch),
            *base.planned.requirements,
        ]
        under = base.planned.folder / "layers"
        known = under / _digest(wanted) if library.version is not None else None
        if known is not None and _read(known) is not None:
            return known
        try:
            packages = resolving.resolve(
                wanted, self.folder, python=str(base.python), wheels=self._wheels, built=["torch"]
            )
            missing = [one for one in packages if base.pins.get(one.name) != one.version]
            folder = known or under / _digest([*wanted, *map(str, missing)])
            with self._making:
                if _read(folder) is None:
                    shutil.rmtree(folder, ignore_errors=True)  # begun, and never ended
                    folder.mkdir(parents=True)
                    self._install(base.python, missing, base.planned.folder, folder)
                    _write(folder, missing)
        except uv.Failed as failed:
            said = f"{library} can't be installed with torch {base.planned.torch}: {failed}"
            raise NotInstalled(said, failed.whole) from failed
        return folder

    def _make_room(self, folder: Path) -> None:
        """Remove those that were used before, where another would be one too many."""
        if folder in self._made:
            self._made.remove(folder)
        if self._keep is not None:
            while len(self._made) >= self._keep:
                shutil.rmtree(self._made.pop(0), ignore_errors=True)
        self._made.append(folder)

    def _make(self, planned: Planned) -> None:
        shutil.rmtree(planned.folder, ignore_errors=True)  # begun, and never ended
        words = ["venv", "--no-project", "--python", planned.interpreter, str(planned.folder)]
        try:
            uv.call(words, self.folder)
            self._install(_python_in(planned.folder), planned.packages, planned.folder)
        except uv.Failed as failed:
            said = f"torch {planned.torch} can't be installed: {failed}"
            raise NotInstalled(said, failed.whole) from failed
        _write(planned.folder, planned.packages)

    def _install(
        self, python: Path, packages: Sequence[Package], home: Path, target: Path | None = None
    ) -> None:
        """Put packages into an environment, or into a folder for it.

        Raises:
            Failed: uv can't.
        """
        if not packages:
            return
        variables = {} if self._keep is None else {"UV_CACHE_DIR": str(home / "uv-cache")}
        words = ["pip", "install", "--no-deps", "--python", str(python)]
        words += ["--target", str(target)] if target is not None else []
        uv.call([*words, *map(str, packages)], self.folder, self._wheels, variables)


def room(planned: Sequence[Planned], keep: int | None, folder: Path) -> str | None:
    """What is going to be installed, in a sentence; None where all is there.

    Args:
        planned: the environments.
        keep: how many are kept at once.
        folder: where they go.
    """
    waiting = [one for one in planned if one.reason is None and not one.ready]
    if not waiting:
        return None
    download = sum(one.download for one in waiting)
    largest = sorted((one.download for one in waiting), reverse=True)[: keep or None]
    need = sum(largest) * UNPACKED
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    said = (
        f"to be made in {folder}: {len(waiting)} of {counted(len(planned), 'environment')}, at most"
        f" {_gigabytes(download)} to download and about {_gigabytes(need)} of disk, of which uv may"
        f" have a part already; {_gigabytes(free)} are free"
    )
    if need > free:
        said += ". That may not be enough: name fewer --torch, or --keep 1, or another disk with"
        said += f" {caching.VARIABLE}"
    return said


def _python_in(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _digest(words: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:_DIGITS]


def _read(folder: Path) -> dict[str, str] | None:
    """What was installed into a folder; None where that never came to its end."""
    try:
        told = json.loads((folder / READY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {str(name): str(version) for name, version in told.items()}


def _write(folder: Path, packages: Sequence[Package]) -> None:
    text = json.dumps({one.name: one.version for one in packages}, indent=0)
    (folder / READY).write_text(text, encoding="utf-8")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The block in which no other run makes or removes an environment."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(folder.with_name(f"{folder.name}.lock"), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not opening.locked(file):
            raise UsageError(
                f"another matrix is using {folder}; wait for it, or name another folder with"
                f" {caching.VARIABLE}"
            )
        yield
    finally:
        os.close(file)


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
