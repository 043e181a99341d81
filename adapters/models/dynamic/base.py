"""What every dynamic network is: a module whose output tells its gates and what it executed."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor

from adapters.models.trained.base import Trainable

THRESHOLD = 0.5
"""A gate whose value is at least this executes its unit."""


class Gated(NamedTuple):
    """What a dynamic network makes of images.

    Attributes:
        logits: (N, classes).
        gates: (N, G), gating values in [0, 1], differentiable; at least 0.5 where the gate's unit
            is executed for that image, and only there.
        flops: (N,), float64, executed for each image; a multiplication and an addition are two.
        exits: (N, E, classes), logits of each exit, the last one included; None of a network
            without early exits.
    """

    logits: Tensor
    gates: Tensor
    flops: Tensor
    exits: Tensor | None = None


class DynamicNetwork(Trainable):
    """A network that skips units, positions, channels or tokens by the image.

    A batch is masked: every unit is computed, and what an image skips does not reach its output.
    One image without gradients skips for real. Both give the same numbers, to rounding.

    Attributes:
        gate_flops: (G,), float64, what each gate's unit costs.
        static_flops: of one image with every gate on.
    """

    gate_flops: Tensor
    static_flops: float

    @abstractmethod
    def forward(self, images: Tensor) -> Gated:
        """Images (N, 3, H, W) in [0, 1] to logits, gates and executed operations."""

    def judged(self, images: Tensor) -> tuple[Tensor, Tensor]:
        made = self(images)
        return made.logits, made.flops.double() / self.static_flops


def hard(gates: Tensor) -> Tensor:
    """1 where a gating value is at least the threshold, else 0; its gradient is that of the value
    (the straight-through estimator, Bengio et al. 2013)."""
    on = (gates >= THRESHOLD).to(gates.dtype)
    return on + (gates - gates.detach())  # the difference is exactly 0, so the value exactly 0 or 1


def skipping(images: Tensor) -> bool:
    """Whether units may be skipped for real: one image, and nobody asks for gradients."""
    return len(images) == 1 and not torch.is_grad_enabled()
