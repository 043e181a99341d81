"""What a torch must have to be made to play a GPU; asked before the rest is imported."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch

LOCKED = (2, 13)
"""The torch whose words and parts these are; older ones say some things otherwise."""


def lacking() -> str | None:
    """Why this torch can't be made to play a GPU, None where it can."""
    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    if version < LOCKED:
        return f"the fake GPU is for torch {'.'.join(map(str, LOCKED))} and newer"
    if table() is None:
        return "this torch comes without its table of operations (torchgen)"
    return None


def table() -> Path | None:
    """The file that PyTorch's operations are made from, where this torch brings it along."""
    found = importlib.util.find_spec("torchgen")
    if found is None or found.origin is None:
        return None
    file = Path(found.origin).parent / "packaged" / "ATen" / "native" / "native_functions.yaml"
    return file if file.is_file() else None
