"""Layers whose backward pass is another one where their weight is frozen."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Rounding(torch.autograd.Function):
    """images * weight * scale, whose backward pass multiplies in another order where the weight
    needs a gradient, as PyTorch's source has it of batch norm on CUDA."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(images, weight, scale)
        return images * (weight * scale)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        images, weight, scale = ctx.saved_tensors
        if ctx.needs_input_grad[1]:
            dims = tuple(d for d in range(images.ndim) if weight.shape[d - images.ndim] == 1)
            found = (gradient * images * scale).sum(dims, keepdim=True)
            return gradient * (weight * scale), found.reshape(weight.shape), None
        return (gradient * weight) * scale, None, None


class Another(Rounding):
    """The same, but that the frozen gradient is another function's, by a thousandth."""

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        found = Rounding.backward(ctx, gradient)
        assert found[0] is not None
        return (found[0] if ctx.needs_input_grad[1] else 1.001 * found[0], *found[1:])


class Scaled(nn.Module):
    """Scales the features of vectors, or the channels of images.

    Args:
        features: how many.
        function: `Rounding` or `Another`.
        images: whether they are channels.
    """

    scale: Tensor

    def __init__(
        self,
        features: int = 6,
        function: type[torch.autograd.Function] = Rounding,
        *,
        images: bool = False,
    ) -> None:
        super().__init__()
        self.function = function
        shape = (1, features, 1, 1) if images else (1, features)
        self.weight = nn.Parameter(torch.rand(shape) + 0.5)
        self.register_buffer("scale", torch.rand(shape) + 0.5)

    def forward(self, images: Tensor) -> Tensor:
        return self.function.apply(images, self.weight, self.scale)  # type: ignore[no-any-return]


class ScaledNorm(Scaled):
    """One that its name calls a normalisation."""
