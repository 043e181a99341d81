"""Adversarial images on disk, from one worker to another; raw bytes, so that no bit is lost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


def write(output: Tensor, path: Path) -> dict[str, Any]:
    """Write an output; what `read` must be told of it.

    Args:
        output: of any shape and dtype.
        path: of the file, which is overwritten.
    """
    output = output.detach().contiguous().cpu()
    path.write_bytes(output.reshape(-1).view(torch.uint8).numpy().tobytes())
    return {"shape": list(output.shape), "dtype": str(output.dtype).removeprefix("torch.")}


def read(path: Path, shape: Sequence[int], dtype: str) -> Tensor:
    """Read what `write` wrote.

    Args:
        path: of the file.
        shape, dtype: as `write` told them.
    """
    if not math.prod(shape):
        return torch.empty(tuple(shape), dtype=getattr(torch, dtype))
    data = bytearray(path.read_bytes())
    return torch.frombuffer(data, dtype=getattr(torch, dtype)).reshape(tuple(shape))
