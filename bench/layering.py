"""Make the layers of libraries that can't be installed beside the others. Imports no torch.

A layer holds what the library and this environment's torch are resolved to together, less what the
environment has in those very versions, which are kept where they can be.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import sys
import tempfile
from pathlib import Path

from packaging.utils import canonicalize_name

from adapters import layers
from adapters.base import Adapter
from adapters.layers import Layer
from bench import resolving, uv
from bench.errors import UsageError

OURS = "semibackward-bench"


def make(adapter: Adapter, wheels: Path | None = None) -> Layer:
    """Install a library's layer, unless one that fits is there.

    Args:
        adapter: of the library.
        wheels: install from this folder alone, without a network; None for the package index.

    Raises:
        UsageError: uv is not here, or can't install it.
        AdapterError: no home directory is known.
    """
    there = layers.found(adapter)
    if there is not None and not there.moved:
        return there
    folder = layers.place(adapter)
    pins = _pins()
    torch = layers.installed("torch")
    wanted = [*adapter.apart, *([f"torch=={torch}"] if torch else [])]
    python = sys.executable
    try:
        packages = resolving.resolve_beside(
            wanted, folder.parent, pins, python=python, wheels=wheels, built=["torch"]
        )
        missing = [one for one in packages if pins.get(one.name) != one.version]
        with tempfile.TemporaryDirectory(dir=folder.parent) as inside:
            made = Path(inside, folder.name)
            words = ["pip", "install", "--no-deps", "--python", python, "--target", str(made)]
            uv.call([*words, *map(str, missing)], folder.parent, wheels)
            told = {
                "packages": {one.name: one.version for one in missing},
                "others": sorted(one.name for one in missing if one.name in pins),
                "beside": {one.name: one.version for one in packages if one not in missing},
            }
            text = json.dumps(told, indent=1)
            (made / layers.READY).write_text(text, encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)  # of an environment that was another
            made.rename(folder)
    except uv.Failed as failed:
        said = f"{adapter.name} can't be installed beside torch {torch}: {failed}"
        raise UsageError(said) from uv.Said(failed.whole)
    layer = layers.found(adapter)
    assert layer is not None
    return layer


def _pins() -> dict[str, str]:
    """Version by canonical name of what is installed here, but for this program."""
    found: dict[str, str] = {}
    for one in importlib.metadata.distributions():
        name = canonicalize_name(one.name)
        if name != OURS:
            found.setdefault(name, one.version)
    return found
