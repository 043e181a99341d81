"""Complexity gradient masking (GradMDM, eqs. 11 to 16), of each image by itself."""

from __future__ import annotations

import torch
from torch import Tensor


def masked(complexity: Tensor, finished: Tensor) -> Tensor:
    """The complexity gradient, without what would switch off gates that are on.

    Where the two oppose each other the projection onto the finished gradient (eq. 12) is taken
    away, so that what is left is orthogonal to it (eqs. 13 and 16); the rest stays as it is, as
    does an image that has no gate on, whose finished gradient is 0.

    Args:
        complexity: g_C (N, ...).
        finished: g_F (N, ...).

    Returns:
        (N, ...), whose inner product with g_F is negative by rounding at most.
    """
    # Scaled to a largest value of 1, so that squares of small gradients don't vanish.
    unit = _scaled(finished.flatten(1))
    rows = complexity.flatten(1)
    along = (rows * unit).sum(1, keepdim=True)
    length = unit.square().sum(1, keepdim=True)
    opposed = along.clamp(max=0) / torch.where(length > 0, length, torch.ones_like(length))
    return (rows - opposed * unit).view_as(complexity)


def angle(first: Tensor, second: Tensor) -> Tensor:
    """Between two gradients of each image (figure 2B).

    Args:
        first, second: (N, ...).

    Returns:
        (N,), in degrees; nan where one of the two is 0.
    """
    a, b = _scaled(first.flatten(1)), _scaled(second.flatten(1))
    lengths = a.norm(dim=1) * b.norm(dim=1)  # 0 makes 0 / 0, which is nan
    return torch.rad2deg(torch.acos(((a * b).sum(1) / lengths).clamp(-1, 1)))


def _scaled(rows: Tensor) -> Tensor:
    largest = rows.abs().amax(1, keepdim=True)
    return rows / torch.where(largest > 0, largest, torch.ones_like(largest))
