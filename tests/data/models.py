"""Models as a user might name them, good and bad, for `doctor --model`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

trained = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(1), nn.LazyLinear(5))
size = 32


def for_images() -> nn.Module:
    print("chatter on stdout")
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def for_text() -> nn.Module:
    return nn.Embedding(5, 3)


class KeepsATensor(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 1, 1))
        self.doubled = self.weight * 2

    def forward(self, images: Tensor) -> Tensor:
        return images * self.doubled


def falls_over() -> nn.Module:
    raise ValueError("no weights\nhere")
