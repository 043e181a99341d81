"""Whether two variants made the same adversarial examples, bit for bit."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bench.statistics.equality import IDENTICAL, Equality, different


def compare(first: Tensor, second: Tensor) -> Equality:
    """Compare two outputs of any shape and dtype: identical or different.

    That a difference is rounding takes more than two outputs, see `bench.worker.proof`.
    """
    if first.shape != second.shape or first.dtype != second.dtype:
        return different(None)
    first, second = first.detach().contiguous().cpu(), second.detach().contiguous().cpu()
    if torch.equal(bits(first), bits(second)):
        return IDENTICAL
    difference = float((first.double() - second.double()).abs().max())
    return different(difference if math.isfinite(difference) else None)


def differing(first: Tensor, second: Tensor) -> int:
    """Elements that are not the same, of two outputs of one shape and dtype."""
    return int((bits(first.detach().contiguous()) != bits(second.detach().contiguous())).sum())


def bits(tensor: Tensor) -> Tensor:
    """The same memory as integers of the same size."""
    integers = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    return tensor.view(integers[tensor.element_size()])
