"""RMSProp as agents are trained with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn


class RMSProp(torch.optim.Optimizer):
    """Graves 2013, "Generating Sequences With Recurrent Neural Networks", eq. 38 to 41; so have it
    MXNet, in which Dhillon et al. 2018 wrote their agents, and Mnih et al. 2015.

    `torch.optim.RMSprop` adds its constant to the root and not below it, where what rounding makes
    of a variance near zero may be negative.

    Args:
        weights: that learn.
        rate: the learning rate.
        momentum: of the steps.
        decay: of the averages of the gradient and of its square.
        floor: added to the gradient's variance.
    """

    def __init__(
        self,
        weights: Iterable[nn.Parameter],
        *,
        rate: float,
        momentum: float,
        decay: float,
        floor: float,
    ) -> None:
        told = {"rate": rate, "momentum": momentum, "decay": decay, "floor": floor}
        super().__init__(weights, told)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One; every weight has a gradient."""
        for group in self.param_groups:
            decay = group["decay"]
            for weight in group["params"]:
                gradient, kept = weight.grad, self.state[weight]
                if not kept:
                    kept |= {name: torch.zeros_like(weight) for name in ("mean", "square", "move")}
                kept["mean"].mul_(decay).add_(gradient, alpha=1 - decay)
                kept["square"].mul_(decay).addcmul_(gradient, gradient, value=1 - decay)
                variance = kept["square"].addcmul(kept["mean"], kept["mean"], value=-1)
                root = variance.add_(group["floor"]).sqrt_()
                move = kept["move"].mul_(group["momentum"])
                weight.add_(move.addcdiv_(gradient, root, value=-group["rate"]))
