"""Adam (Kingma and Ba 2015, algorithm 1) on one tensor.

The first of PyTorch's optimisers that a process makes imports its compiler, which takes seconds.
"""

from __future__ import annotations

import torch
from torch import Tensor

FIRST, SECOND = 0.9, 0.999
"""How fast the averages of the gradient and of its square forget; the paper's, and PyTorch's."""
EPS = 1e-8


class Adam:
    """The averages that belong to what is optimised.

    Args:
        free: what is optimised; changed in place.
        rate: length of a step, about.
    """

    def __init__(self, free: Tensor, rate: float) -> None:
        self._free = free
        self._rate = rate
        self._mean = torch.zeros_like(free)
        self._square = torch.zeros_like(free)
        self._steps = 0

    @torch.no_grad()
    def step(self, gradient: Tensor) -> None:
        """Descend a gradient of the shape of what is optimised."""
        self._steps += 1
        self._mean.lerp_(gradient, 1 - FIRST)
        self._square.mul_(SECOND).addcmul_(gradient, gradient, value=1 - SECOND)
        spread = (self._square / (1 - SECOND**self._steps)).sqrt_().add_(EPS)
        self._free.addcdiv_(self._mean, spread, value=-self._rate / (1 - FIRST**self._steps))
