"""A build backend that needs nothing but Python, copied into the packages it builds (PEP 517).

So such a package can be installed without a network, and without another package to build it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ABOUT = "package.json"
"""Name, version and requirements of the package, beside this module."""


def build_wheel(directory: str, settings: Any = None, metadata: Any = None) -> str:
    """Write the wheel of the package in the current folder; its file name."""
    return write_wheel(Path(), Path(directory))


def write_wheel(source: Path, into: Path) -> str:
    """Write the wheel of a package; its file name.

    Args:
        source: folder of the package.
        into: folder that the wheel goes into.
    """
    about = json.loads((source / ABOUT).read_text(encoding="utf-8"))
    stem = f"{about['name'].replace('-', '_')}-{about['version']}"
    head = f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n"
    needs = "".join(f"Requires-Dist: {text}\n" for text in about["requires"])
    files = {
        **dict(_modules(source)),
        f"{stem}.dist-info/METADATA": head + needs,
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{stem}.dist-info/RECORD"
    files[record] = "".join(f"{name},,\n" for name in (*files, record))
    wheel = f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(into / wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return wheel


def _modules(source: Path) -> Iterator[tuple[str, str]]:
    for path in sorted([*source.rglob("*.py"), *source.rglob("*.pth")]):
        if path.name != Path(__file__).name:
            yield path.relative_to(source).as_posix(), path.read_text(encoding="utf-8")
