"""A small network with ReLUs, for tests of defences."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Rectified(nn.Module):
    """Images of 1×8×8 to ten logits, with two ReLUs."""

    input_shape = (1, 8, 8)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 3, padding=1)
        self.hidden = nn.Linear(6 * 64, 24)
        self.head = nn.Linear(24, 10)

    def forward(self, images: Tensor) -> Tensor:
        features = torch.relu(self.stem(images)).flatten(1)
        logits: Tensor = self.head(torch.relu(self.hidden(features)))
        return logits


def build() -> nn.Module:
    return Rectified()


def smooth() -> nn.Module:
    """No ReLU is in it."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.Sigmoid())
