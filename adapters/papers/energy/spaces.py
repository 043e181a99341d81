"""How a perturbed image is kept in [0, 1]: through tanh, or by projection (GradMDM, section 5.3).

What is optimised is δ, from 0, and a constant: so its gradient, and a step of Adam, are δ's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

SHRUNK = 0.999999
"""By which 2 x - 1 is multiplied so that 0 and 1 have a finite inverse tanh, as the code of Carlini
and Wagner has it. x' then is x within 6e-7 in float32, far less than an image of 8 bits resolves;
such a pixel hardly moves, as tanh is flat there."""


class Space(ABC):
    """Of some images.

    Attributes:
        clean: the images, (N, C, H, W), in float32 at least, in which small steps don't get lost.
        free: what is optimised, of their shape and dtype, a leaf that asks for its gradient.
    """

    def __init__(self, images: Tensor) -> None:
        self.clean = images.detach().to(torch.promote_types(images.dtype, torch.float32))
        self.free = self._inverse(self.clean).requires_grad_(True)

    @abstractmethod
    def perturbed(self) -> Tensor:
        """x', of the dtype of `free`, as a function of it."""

    def settle(self) -> None:
        """Bring what an optimiser moved back to images, where it can leave them."""

    @abstractmethod
    def _inverse(self, images: Tensor) -> Tensor:
        """A new tensor, where δ is 0."""


class Tanh(Space):
    """Eq. 4: x' = (tanh(artanh(2 x - 1) + δ) + 1) / 2."""

    def perturbed(self) -> Tensor:
        return (torch.tanh(self.free) + 1) / 2

    def _inverse(self, images: Tensor) -> Tensor:
        return torch.atanh((2 * images - 1) * SHRUNK)


class Projection(Space):
    """x' = x + δ, and after each step the nearest image in [0, 1]."""

    def perturbed(self) -> Tensor:
        return self.free.view_as(self.free)  # no leaf, like any other function of it

    def settle(self) -> None:
        with torch.no_grad():
            self.free.clamp_(0, 1)

    def _inverse(self, images: Tensor) -> Tensor:
        return images.clone()


SPACES: Mapping[str, type[Space]] = {"tanh": Tanh, "projection": Projection}
"""By the name that settings take."""
