"""What uv would install of some requirements, without installing it. Imports no torch."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench import uv

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Package:
    """One distribution of an environment.

    Attributes:
        name: canonical.
        version: of it.
        size: bytes of what is downloaded; None where nobody tells.
    """

    name: str
    version: str
    size: int | None = None

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


def resolve(
    requirements: Iterable[str],
    folder: Path,
    *,
    python: str,
    wheels: Path | None = None,
    alone: bool = False,
    built: Sequence[str] = (),
) -> list[Package]:
    """The distributions that meet some requirements together.

    Args:
        requirements: as pip takes them.
        folder: to work in.
        python: an interpreter's path, or the version of one that need not be here.
        wheels: take packages from this folder alone.
        alone: leave out what they depend on.
        built: names of those that must not be built from source; of a foreign Python nothing can.

    Raises:
        Failed: nothing does; why, in words of uv's.
        UsageError: uv is not here.
    """
    here = Path(python).is_absolute()
    words = ["pip", "compile", "--python", python if here else sys.executable]
    words += [] if here else ["--python-version", python]
    words += ["--format", "pylock.toml", "--no-header"]
    words += ["--no-deps"] if alone else []
    for name in built:
        words += ["--only-binary", name]
    told = uv.call([*words, "-"], folder, wheels, text="\n".join(requirements))
    return [_package(one) for one in tomllib.loads(told).get("packages", ())]


def resolve_beside(
    requirements: Iterable[str],
    folder: Path,
    pins: Mapping[str, str],
    *,
    python: str,
    wheels: Path | None = None,
    built: Sequence[str] = (),
) -> list[Package]:
    """The same for what joins an environment: of what is there already those versions are kept that
    can be.

    Args:
        requirements: as pip takes them.
        folder: to work in.
        pins: version by canonical name of what is there.
        python: the path of its interpreter.
        wheels: take packages from this folder alone.
        built: names of those that must not be built from source.

    Raises:
        Failed: nothing meets them together; why, in words of uv's.
        UsageError: uv is not here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        # uv prefers the versions of an output that is there.
        output = Path(inside, "requirements.txt")
        output.write_text("".join(f"{n}=={v}\n" for n, v in pins.items()), encoding="utf-8")
        words = ["pip", "compile", "--python", python, "--no-header", "--no-annotate"]
        for name in built:
            words += ["--only-binary", name]
        words += ["--output-file", str(output), "-"]
        uv.call(words, folder, wheels, text="\n".join(requirements))
        found = [Requirement(line) for line in output.read_text(encoding="utf-8").splitlines()]
    return [
        Package(canonicalize_name(one.name), str(one.specifier).removeprefix("==")) for one in found
    ]


def version_of(name: str, packages: Iterable[Package]) -> str | None:
    """The version of one of some packages."""
    wanted = canonicalize_name(name)
    return next((one.version for one in packages if one.name == wanted), None)


def _package(told: dict[str, Any]) -> Package:
    files = [*told.get("wheels", ()), *([told["sdist"]] if "sdist" in told else [])]
    return Package(
        canonicalize_name(told["name"]),
        str(told["version"]),
        next((size for size in map(_size, files) if size is not None), None),
    )


def _size(file: dict[str, Any]) -> int | None:
    """Of one file of a package, told or looked at."""
    if isinstance(file.get("size"), int):
        return int(file["size"])
    place = file.get("path") or unquote(urlparse(str(file.get("url", ""))).path)
    path = Path(str(place))
    return path.stat().st_size if path.is_absolute() and path.is_file() else None
