"""Networks of which not everything can be pruned, or nothing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.data.rectified import Rectified


class Mixed(nn.Module):
    """Images of 1×8×8 to ten logits, by a layer that is none of ours too."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Conv1d(8, 8, 3, padding=1)
        self.head = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(torch.relu(self.rows(images[:, 0])).flatten(1))
        return logits


def mixed() -> nn.Module:
    return Mixed()


def zeros() -> nn.Module:
    found = Rectified()
    nn.init.zeros_(found.hidden.weight)
    return found


class Scales(nn.Module):
    """Nothing of it has two dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(10))

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, :10] * self.scale


def none() -> nn.Module:
    return Scales()
