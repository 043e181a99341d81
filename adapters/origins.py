"""Where a library was imported from, and which code that is. Imports nothing of it.

What is installed and what is measured differ where PYTHONPATH, or an editable install, goes before
what is installed: so both are read from the files that an import finds.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from pathlib import Path

from adapters import versions
from adapters.base import Adapter

_ROOT = Path(__file__).resolve().parents[1]
_CODE = (".py", *EXTENSION_SUFFIXES, ".so", ".pyd", ".dylib")
_DIGITS = 16


@dataclass(frozen=True)
class Origin:
    """Where a library was imported from.

    Attributes:
        module: what was imported.
        place: the package's folder, or the module's file.
        digest: of the sources and compiled extensions in it.
        version: of that code; "unknown (from PLACE)" where it does not tell.
        installed: whether it is what pip put there, and nothing that goes before it.
    """

    module: str
    place: str
    digest: str
    version: str
    installed: bool

    @property
    def told(self) -> str:
        """Which code it is, in words."""
        if self.version.startswith("unknown"):
            return f"version {self.version}, code {self.digest}"
        place = "" if self.installed else f" from {self.place}"
        return f"{self.version}{place}, code {self.digest}"


def of(module: str, distribution: str = "", first: Path | None = None) -> Origin | None:
    """What an import of a module finds; None where it finds nothing, or no file.

    Args:
        module: its dotted name; of a package, the package counts.
        distribution: what pip installs to have it, where that is known.
        first: a folder that is looked into before all others, as a user's own is.
    """
    found = find(module, first)
    if found is None:
        return None
    name, place = found
    version, installed = versions.of(place, distribution or name)
    return Origin(name, str(place), digest(place), version, installed)


def module_of(adapter: Adapter) -> str:
    """What an adapter imports: where most of its attacks come from; "" if they don't tell."""
    sources = [i.source.rpartition(".")[0] for i in adapter.attacks().values() if "." in i.source]
    tops = Counter(source.partition(".")[0] for source in sources)
    if not tops:
        return ""
    top, _ = tops.most_common(1)[0]
    return next(source for source in sources if source.partition(".")[0] == top)


def of_ours(module: str) -> bool:
    """Whether a module is this program's."""
    found = find(module)
    return found is not None and found[1].is_relative_to(_ROOT / found[0])


def find(module: str, first: Path | None = None) -> tuple[str, Path] | None:
    """The first of a dotted name's packages that has a file, its folder; or a module, and its file.

    Parts of a namespace are nobody's alone, so they are passed through. Of what lies in an archive
    the archive is told.
    """
    top, *rest = module.split(".")
    name, spec = top, None
    if first is not None:
        spec = PathFinder.find_spec(top, [str(first)])
    if spec is None or spec.origin is None:  # any folder is a namespace
        spec = _spec(top) or spec
    while spec is not None:
        if spec.origin is None:  # a namespace
            if not rest:
                return None
            name = f"{name}.{rest.pop(0)}"
            spec = PathFinder.find_spec(name, list(spec.submodule_search_locations or ()))
            continue
        file = Path(os.path.abspath(spec.origin))  # noqa: PTH100 - links are kept as they are seen
        if not spec.has_location:
            return None
        place = file.parent if spec.submodule_search_locations is not None else file
        while not place.exists() and place != place.parent:
            place = place.parent
        return name, place
    return None


def _spec(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):  # its parent is none, or stands in for one
        return None


def digest(place: Path) -> str:
    """Of the code in a folder, or of one file: the same wherever it lies.

    It depends on each file's path in the folder and on what it holds.
    """
    found = hashlib.sha256()
    for path in sorted(_files(place), key=lambda path: path.relative_to(place).as_posix()):
        inside = path.relative_to(place).as_posix() if path != place else path.name
        content = path.read_bytes()
        found.update(os.fsencode(inside) + b"\0%d\0" % len(content) + content)
    return found.hexdigest()[:_DIGITS]


def _files(place: Path) -> Iterator[Path]:
    """The files of code in a folder, through links too, each folder once."""
    if not place.is_dir():
        yield place
        return
    seen: set[str] = set()
    for root, folders, files in os.walk(place, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(f for f in folders if f != "__pycache__" and not f.startswith("."))
        for name in files:
            path = Path(root, name)
            code = name.endswith(_CODE) or (
                name.endswith(".pyc") and f"{path.stem}.py" not in files
            )
            if code and not name.startswith(".") and path.is_file():
                yield path


def imported_by(file: Path) -> list[str]:
    """The top-level modules that a file of Python imports, but for Python's own and its folder's.

    Nothing is run; of a file that is no Python, none.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    names: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= dict.fromkeys(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names[node.module] = None
    tops = dict.fromkeys(name.partition(".")[0] for name in names)
    beside = {path.stem for path in file.parent.glob("*.py")}
    beside |= {path.parent.name for path in file.parent.glob("*/__init__.py")}
    return [name for name in tops if name not in sys.stdlib_module_names and name not in beside]
