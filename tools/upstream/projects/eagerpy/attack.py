"""foolbox's PGD, whose gradients are eagerpy's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import foolbox

if TYPE_CHECKING:
    from torch import Tensor, nn

EPS = 8 / 255


def pgd(model: nn.Module, images: Tensor, labels: Tensor, steps: int = 4) -> Tensor:
    """Projected gradient descent within EPS, without a random start."""
    wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device=images.device)
    attack = foolbox.attacks.LinfPGD(steps=steps, random_start=False)
    _, clipped, _ = attack(wrapped, images, labels, epsilons=EPS)
    return clipped
