"""What is installed in the two places of a run, and how they differ. Imports no torch."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Mapping
from importlib import metadata

from adapters import registry

_DISTRIBUTIONS = ("torch", "torchvision", "timm", "numpy", "scikit-learn", "pillow")


def installed() -> dict[str, str]:
    """Version by name of Python, and of what is installed here and can change a measurement."""
    found = {"python": platform.python_version()}
    for name in (*_DISTRIBUTIONS, *(registry.get(one).distribution for one in registry.OURS)):
        with contextlib.suppress(metadata.PackageNotFoundError, ValueError):
            found[name] = metadata.version(name)
    return found


def differences(theirs: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """How versions there differ from those here, by name.

    What is not installed here is left out: who hands cases out, as on the front of a cluster, needs
    none of it.

    Args:
        theirs, ours: as `installed` has them.
    """
    told = {}
    for name, version in ours.items():
        there = theirs.get(name)
        if there != version:
            told[name] = f"{there or 'none'}, not {version}"
    return told
