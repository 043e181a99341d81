"""How well an energy attack does, of each image (GradMDM, section 5): pure functions of tensors."""

from __future__ import annotations

import torch
from torch import Tensor

LARGEST = 255.0
"""Of a pixel, on the scale on which the paper gives MSE."""


def recovery(clean_flops: Tensor, flops: Tensor, static_flops: float) -> Tensor:
    """How much of what gates save an attack takes back; ARP is its average over images.

    Args:
        clean_flops: (N,), executed for the clean images.
        flops: (N,), for the perturbed ones.
        static_flops: of one image with every gate on.

    Returns:
        (N,), float64, in percent; nan where the clean image has every gate on, and there is
        nothing to recover.
    """
    clean = clean_flops.double()
    saved = static_flops - clean
    share = 100 * (flops.double() - clean) / torch.where(saved > 0, saved, torch.ones_like(saved))
    return torch.where(saved > 0, share, torch.full_like(share, torch.nan))


def mse(images: Tensor, perturbed: Tensor) -> Tensor:
    """Mean squared error of each image, on a scale of 0 to 255.

    Args:
        images, perturbed: (N, C, H, W), in [0, 1].

    Returns:
        (N,), float64.
    """
    return ((perturbed.double() - images.double()) * LARGEST).square().flatten(1).mean(1)
