"""Which version a library's code is of, as that code or what was installed with it says.

The metadata of an installed release tells nothing of a checkout that PYTHONPATH puts before it. So
metadata counts where the files it lists are those that are imported; else the code is read for what
it says of itself, and is not run: what it says when run may come from such metadata again.
"""

from __future__ import annotations

import ast
import configparser
import json
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_NAMES = ("__version__", "version", "VERSION", "__VERSION__")
_MODULES = ("_version.py", "version.py", "__version__.py", "__about__.py")
_FILES = ("VERSION", "VERSION.txt", "version.txt")
_ROOT_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
_DEPTH = 3
"""How far above a package its checkout's root is looked for: src/, or python/src/."""
_NUMBER = re.compile(r"v?\d+(\.\d+)*\S*")
_MOST_HOPS = 3


def of(place: Path, distribution: str) -> tuple[str, bool]:
    """The version of the code at a place, and whether it is what pip put there.

    Args:
        place: the folder of a package, or the file of a module.
        distribution: what pip calls it.

    Returns:
        "unknown (from PLACE)" for one that tells none.
    """
    beside = place.parent
    owner = next((one for one in _beside(beside, distribution) if _lists(one, place)), None)
    if owner is not None and owner.metadata["Version"]:
        return owner.version, True
    root = _root(place)
    told = (
        _in_code(place)
        or _in_version_file(place, root)
        or (root and _declared(root, distribution))
        or _in_metadata(place, distribution)
    )
    return told or f"unknown (from {shown(place)})", False


def shown(place: Path | str) -> str:
    """A path as records keep it: whose home it lies in is nobody's business."""
    path = Path(place)
    try:
        home = Path.home()
    except RuntimeError:
        home = Path("/")
    if home != Path(home.anchor) and path.is_relative_to(home):
        path = "~" / path.relative_to(home)
    return str(path).encode("utf-8", "backslashreplace").decode()


def _beside(folder: Path, first: str) -> Iterator[Distribution]:
    """The distributions whose metadata lie in a folder, the named one first."""
    yield from metadata.distributions(name=first, path=[str(folder)])
    yield from metadata.distributions(path=[str(folder)])


def _lists(distribution: Distribution, place: Path) -> bool:
    """Whether it is what put a module into the folder that its metadata lie in."""
    names = {f"{place.name}/__init__.py", place.name} if place.is_dir() else {place.name}
    listed = distribution.read_text("RECORD") or distribution.read_text("installed-files.txt")
    if not listed:
        return False
    lines = (line.partition(",")[0].strip('"') for line in listed.splitlines())
    return any(line.removeprefix("../").replace("\\", "/") in names for line in lines)


def _root(place: Path) -> Path | None:
    """The root of the checkout that a package lies in, itself or in a folder as src/."""
    for folder in list(place.parents)[:_DEPTH]:
        if any((folder / mark).exists() for mark in _ROOT_MARKS):
            return folder
    return None


def _in_code(place: Path) -> str | None:
    """What a package assigns to `__version__`, also in a module that it takes it from."""
    file = place / "__init__.py" if place.is_dir() else place
    found = [_assigned(file, ("__version__",), place, _MOST_HOPS)]
    if place.is_dir():
        found += [_assigned(place / name, _NAMES, place, 0) for name in _MODULES]
    return next((told for told in found if _is_version(told)), None)


def _assigned(file: Path, names: tuple[str, ...], package: Path, hops: int) -> str | None:
    """The first text that a file assigns to one of some names, at its top level."""
    tree = _parsed(file)
    for node in _statements(tree.body) if tree is not None else ():
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            bound = {target.id for target in targets if isinstance(target, ast.Name)}
            value = node.value
            if bound & {*names} and isinstance(value, ast.Constant):
                return _text(value.value)
        elif isinstance(node, ast.ImportFrom) and hops:
            taken = [a.name for a in node.names if (a.asname or a.name) in names]
            for other in _files_of(node, file, package) if taken else ():
                if found := _assigned(other, tuple(taken), package, hops - 1):
                    return found
    return None


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """At the top level of a module, also where that is conditional."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            yield from _statements(node.body)
            yield from _statements(getattr(node, "orelse", []))
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)


def _files_of(node: ast.ImportFrom, file: Path, package: Path) -> list[Path]:
    """Where in a package an import statement looks."""
    parts = (node.module or "").split(".") if node.module else []
    if node.level:
        base = file.parent
        for _ in range(node.level - 1):
            base = base.parent
    elif parts and parts[0] == package.name:
        base, parts = package, parts[1:]
    else:
        return []
    if not base.is_relative_to(package) or base.joinpath(*parts) == file.parent:
        return []
    there = base.joinpath(*parts)
    return [there.with_name(f"{there.name}.py"), there / "__init__.py"]


def _in_version_file(place: Path, root: Path | None) -> str | None:
    """What a file VERSION holds, in the package or in the root of its checkout."""
    folders = [place] if place.is_dir() else []
    if root is not None and place.parent in (root, root / "src"):
        folders.append(root)
    for folder in folders:
        for name in _FILES:
            try:
                text = (folder / name).read_text(encoding="utf-8").strip()
            except (OSError, ValueError):
                continue
            if _is_version(text):
                return text
    return None


def _declared(root: Path, distribution: str) -> str | None:
    """What a checkout's configuration says that it builds, where that is not something else."""
    for name, version in (
        _in_pyproject(root / "pyproject.toml"),
        _in_setup_cfg(root / "setup.cfg"),
        _in_setup_py(root / "setup.py"),
    ):
        if name is not None and _normal(name) != _normal(distribution):
            return None
        if version is not None and _is_version(version):
            return version
    return None


def _in_pyproject(file: Path) -> tuple[str | None, str | None]:
    """The name and the version that it tells."""
    try:
        told: Any = tomllib.loads(file.read_text(encoding="utf-8"))
        table = told.get("project") or told.get("tool", {}).get("poetry") or {}
        name, version = table.get("name"), table.get("version")
    except (OSError, ValueError, AttributeError):
        return None, None
    return _text(name), _text(version)


def _in_setup_cfg(file: Path) -> tuple[str | None, str | None]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(file, encoding="utf-8")
    except (configparser.Error, ValueError):
        return None, None
    get = parser.get
    return get("metadata", "name", fallback=None), get("metadata", "version", fallback=None)


def _in_setup_py(file: Path) -> tuple[str | None, str | None]:
    """What it gives `setup`, as texts or as names of its own for such."""
    tree = _parsed(file)
    told: dict[str, str | None] = {}
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("setup"):
            for keyword in node.keywords:
                value = keyword.value
                if isinstance(value, ast.Constant):
                    told[str(keyword.arg)] = _text(value.value)
                elif isinstance(value, ast.Name):
                    told[str(keyword.arg)] = _assigned(file, (value.id,), file.parent, 0)
    return told.get("name"), told.get("version")


def _in_metadata(place: Path, distribution: str) -> str | None:
    """Of an old kind that lists no files, beside the module; or of an editable install of what
    lies around it."""
    for one in metadata.distributions(name=distribution, path=[str(place.parent)]):
        if one.read_text("RECORD") is None:
            return one.version
    for one in metadata.distributions(name=distribution):
        source = _editable(one)
        if source is not None and place.resolve().is_relative_to(source):
            return one.version
    return None


def _editable(distribution: Distribution) -> Path | None:
    """The checkout that an editable install points to."""
    try:
        told = json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        return None
    if not told.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlparse(str(told.get("url", ""))).path)).resolve()


def _parsed(file: Path) -> ast.Module | None:
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def _normal(name: str) -> str:
    """A distribution's name as indexes spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _is_version(value: object) -> bool:
    return isinstance(value, str) and _NUMBER.fullmatch(value) is not None
