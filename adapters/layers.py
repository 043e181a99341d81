"""Libraries that can't be installed beside the others: each has a layer, a folder with it and with
what it needs in other versions than there are here, that comes first on the path of its workers.

`bench.layering` makes layers; here they are found. Imports no torch.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters import caching, origins, registry
from adapters.base import Adapter, AdapterError

FOLDER = "layers"
READY = "ready.json"
VARIABLE = "SEMIBACKWARD_BENCH_LAYER"
"""The variable that tells a worker which layer comes first on its path."""
_DIGITS = 12
_UNREADABLE = (OSError, ValueError, KeyError, TypeError)


@dataclass(frozen=True)
class Layer:
    """What was installed for one library.

    Attributes:
        folder: where it lies.
        packages: version by canonical name of what is in it.
        beside: the same of what it takes from the environment around it.
        others: names of those that this environment has too, in other versions.
    """

    folder: Path
    packages: Mapping[str, str]
    beside: Mapping[str, str]
    others: Sequence[str] = ()

    @property
    def moved(self) -> list[str]:
        """What of the environment around it changed since: NAME VERSION, and what there is now."""
        found = []
        for name, version in self.beside.items():
            here = installed(name)
            if here != version:
                found.append(f"{name} {version}, now {here or 'gone'}")
        return found


def installed(distribution: str) -> str | None:
    """The version of what is installed here; None where it is not."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def place(adapter: Adapter) -> Path:
    """Where a library's layer goes: one for each Python, torch, and version of what it asks for.

    Raises:
        AdapterError: no home directory is known.
    """
    asked = [*adapter.apart, platform.python_version(), str(installed("torch"))]
    digest = hashlib.sha256("\n".join(asked).encode()).hexdigest()[:_DIGITS]
    return caching.folder(FOLDER, "layers").resolve() / f"{adapter.name}-{digest}"


def here(adapter: Adapter) -> bool:
    """Whether the library is installed in the environment itself, and needs no layer."""
    return origins.find(origins.module_of(adapter)) is not None


def found(adapter: Adapter) -> Layer | None:
    """A library's layer, whether or not it still fits; None where there is none."""
    try:
        folder = place(adapter)
        return _read(folder)
    except (AdapterError, *_UNREADABLE):
        return None


def of(library: str) -> Layer | None:
    """The layer that a library's workers need; None where they need none, or there is none that
    fits.

    Args:
        library: by the name that --libs takes.
    """
    try:
        adapter = registry.get(library)
    except (KeyError, AdapterError):
        return None
    if not adapter.apart or here(adapter):
        return None
    layer = found(adapter)
    return None if layer is None or layer.moved else layer


def version(library: str) -> str | None:
    """The version of a library, here or in its layer; None where it is in neither."""
    adapter = registry.get(library)
    layer = of(library)
    if layer is None:
        return registry.version(adapter)
    return next(
        (
            one.version
            for one in importlib.metadata.distributions(path=[str(layer.folder)])
            if one.name.lower().replace("_", "-") == adapter.distribution.lower().replace("_", "-")
        ),
        None,
    )


def remark() -> str | None:
    """What a worker's records say of the layer that it runs in; None where it runs in none."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return None
    try:
        layer = _read(Path(folder))
    except _UNREADABLE:
        return None
    if not layer.others:
        return "run in a layer of its own"
    others = ", ".join(f"{name} {layer.packages[name]}" for name in layer.others)
    return f"run in a layer of its own, where other releases are than around it: {others}"


def _read(folder: Path) -> Layer:
    told = json.loads((folder / READY).read_text(encoding="utf-8"))
    return Layer(folder, dict(told["packages"]), dict(told["beside"]), list(told["others"]))
