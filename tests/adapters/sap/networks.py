"""Tiny networks with ReLUs in every spelling, and images for them."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor, nn

CLASSES = 4
LABELS = torch.tensor([0, 1, 2])


class Tiny(nn.Module):
    """Convolution, batch norm and a linear layer; a ReLU of a module, and one of a function."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.act = nn.ReLU()
        self.head = nn.Linear(8, CLASSES)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        maps = self.act(self.norm(self.stem(images)))
        logits: Tensor = self.head(F.relu(maps.mean((2, 3)) - 0.1))
        return logits


def pictures(count: int = 3) -> Tensor:
    """(count, 3, 8, 8), in [0, 1]."""
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(0))
