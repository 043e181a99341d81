"""Whether two variants made the same adversarial examples."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bench.statistics.equality import Equality

TOLERANCE = 1e-6
"""The largest difference, on images in [0, 1], that rounding may leave between equal outputs."""


def compare(first: Tensor, second: Tensor) -> Equality:
    """Compare two outputs of any shape and dtype."""
    if first.shape != second.shape or first.dtype != second.dtype:
        return Equality(equal=False, bitwise=False, max_abs_diff=None)
    first, second = first.detach().contiguous().cpu(), second.detach().contiguous().cpu()
    if torch.equal(_bits(first), _bits(second)):
        return Equality(equal=True, bitwise=True, max_abs_diff=0.0)
    difference = float((first.double() - second.double()).abs().max())
    if not math.isfinite(difference):
        return Equality(equal=False, bitwise=False, max_abs_diff=None)
    return Equality(difference <= TOLERANCE, bitwise=False, max_abs_diff=difference)


def _bits(tensor: Tensor) -> Tensor:
    integers = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    return tensor.view(integers[tensor.element_size()])
