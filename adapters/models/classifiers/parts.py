"""What several classifiers are made of."""

from __future__ import annotations

from typing import Literal

from torch import nn


def rectifier(dropout: float = 0.0) -> nn.Module:
    """A ReLU, with dropout behind it where it has a rate (Dhillon et al. 2018, section 4.1.2).

    It is a module of its own, so that what is done to activations can be put behind it from
    outside.
    """
    return nn.Sequential(nn.ReLU(), nn.Dropout(dropout)) if dropout else nn.ReLU()


def draw(network: nn.Module, fan: Literal["fan_in", "fan_out"] = "fan_out") -> None:
    """Draw every convolution's weights from torch's random state, as He et al. 2015 do.

    Args:
        network: that has them.
        fan: whether values keep their size on the way forward, or gradients on the way back.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode=fan, nonlinearity="relu")
