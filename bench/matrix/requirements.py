"""What environments are made of. Imports no torch."""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

_WORKERS = ("torchvision", "scikit-learn", "pillow", "psutil", "packaging", "numpy")
"""What a worker needs beside torch and timm: photographs, and what measures."""
_OLD = (
    ("2.1", "setuptools<81"),  # its torch.compile imports pkg_resources
    ("2.3", "numpy<2"),  # it was built before that
)
"""What a torch before some version needs without saying so in its metadata."""
_OLD_BESIDE = (
    ("transformers", "2.5", "transformers<4.45"),  # later ones leave such a torch alone
    ("transformers", "2.5", "pyarrow<21"),  # and so are datasets, which that one broke
)
"""The same of what libraries are used with."""
OURS = "semibackward-bench"
_EVERYWHERE = (OURS, "torch", "torchvision", "timm")


def of_torch(torch: str) -> Iterator[str]:
    """What the environment of a torch is made of; networks are of one timm in all of them."""
    yield f"torch=={torch}"
    here = _here("timm")
    yield f"timm=={here}" if here else "timm"
    yield from _WORKERS
    yield from (text for below, text in _OLD if Version(torch) < Version(below))


def beside(distribution: str, torch: str) -> Iterator[str]:
    """What the extra of ours that a library is in asks for beside it, with such a torch."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        every = [Requirement(text) for text in importlib.metadata.requires(OURS) or ()]
        asks = [
            one for one in every if canonicalize_name(one.name) == canonicalize_name(distribution)
        ]
        for one in every:
            if canonicalize_name(one.name) in _EVERYWHERE or one in asks or one.marker is None:
                continue
            if any(one.marker == other.marker for other in asks):
                yield f"{one.name}{one.specifier}"
                yield from (
                    text
                    for name, below, text in _OLD_BESIDE
                    if name == one.name and Version(torch) < Version(below)
                )


def _here(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
