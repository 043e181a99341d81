"""Write small packages that uv can install without a network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.planted import backend

_PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def write(
    folder: Path, name: str, version: str, modules: Mapping[str, str], requires: Sequence[str] = ()
) -> Path:
    """Write the sources of a package; its folder.

    Args:
        folder: where; made if need be.
        name, version: of the distribution.
        modules: text of each file by its path in the folder.
        requires: what it says it needs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in modules.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    about = {"name": name, "version": version, "requires": list(requires)}
    (folder / backend.ABOUT).write_text(json.dumps(about), encoding="utf-8")
    (folder / "pyproject.toml").write_text(_PYPROJECT, encoding="utf-8")
    shutil.copy(backend.__file__, folder / "backend.py")
    return folder


def wheel(source: Path, into: Path) -> Path:
    """Build the wheel of a package that `write` wrote; its path."""
    into.mkdir(parents=True, exist_ok=True)
    return into / backend.write_wheel(source, into)
