"""Gradients of a loss of each image, asked for as the attacks' authors do."""

from __future__ import annotations

from torch import Tensor

from adapters.base import UnsupportedSettings


def gradient(free: Tensor, loss: Tensor, what: str) -> Tensor:
    """By `.backward()`, which fills the `.grad` of everything that requires one.

    The graph is kept for the next loss.

    Args:
        free: a leaf, what is optimised, of N images.
        loss: (N,), of each image.
        what: where the loss is read, for errors.

    Returns:
        of `free`'s shape.

    Raises:
        UnsupportedSettings: the loss does not depend on it.
    """
    free.grad = None
    if loss.requires_grad:
        loss.sum().backward(retain_graph=True)
    found: Tensor | None = free.grad
    if found is None:
        raise UnsupportedSettings(
            f"the network's {what} have no gradient with respect to its images; let them depend on"
            " the images by operations that PyTorch differentiates"
        )
    return found
