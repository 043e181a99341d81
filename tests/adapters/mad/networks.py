"""A small network with layers of every make, and images, masks and settings for it."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor, nn

from adapters.base import Settings
from adapters.papers.mad.layers import Layers

CLASSES, SIDE = 4, 9
LABELS = torch.tensor([0, 1, 2])
WORDS = ("stem", "twice", "grouped", "depthwise", "tokens", "bare", "head")
"""Its layers, in the order of their first call."""


class Many(nn.Module):
    """Strides, paddings, dilation, groups, no bias, a layer called twice, a linear layer on
    (N, places, features); and what follows them works in place.

    Args:
        dtype: of parameters.
    """

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.twice = nn.Conv2d(4, 4, 3, padding="same", dilation=2)
        self.grouped = nn.Conv2d(4, 6, (2, 3), groups=2, padding=1, padding_mode="reflect")
        self.depthwise = nn.Conv2d(
            *(6, 6, 3), stride=(2, 1), groups=6, padding=1, padding_mode="circular"
        )
        self.tokens = nn.Linear(6, 5)
        self.bare = nn.Linear(5, 5, bias=False)
        self.head = nn.Linear(5, CLASSES)
        nn.init.uniform_(self.norm.weight, 0.5, 1.5)
        for name in WORDS:
            nn.init.kaiming_normal_(getattr(self, name).weight)
        self.eval().to(dtype)

    def forward(self, images: Tensor) -> Tensor:
        maps = F.relu_(self.norm(self.stem(images)))
        maps = F.relu_(self.twice(F.relu_(self.twice(maps))))
        maps = F.relu_(self.depthwise(F.relu_(self.grouped(maps))))
        tokens = F.relu_(self.tokens(maps.flatten(2).transpose(1, 2).contiguous()))
        logits: Tensor = self.head(F.relu_(self.bare(tokens)).mean(1))
        return logits


def pictures(dtype: torch.dtype = torch.float32, count: int = 3) -> Tensor:
    """(count, 3, 9, 9), in [0, 1]."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(count, 3, SIDE, SIDE, generator=generator, dtype=torch.float64).to(dtype)


def drawn_masks(layers: Layers) -> dict[str, Tensor]:
    """Masks m of softplus(m) between 0.1 and 1."""
    generator = torch.Generator().manual_seed(0)

    def drawn(like: Tensor) -> Tensor:
        found = torch.rand(like.shape, generator=generator, dtype=torch.float64)
        return (0.1 + 0.9 * found).expm1().log().to(like.dtype)

    return {name: drawn(value.detach()) for name, value in layers.parameters.items()}


def asked(eps: float | None = 0.03, steps: int | None = 10, classes: int = CLASSES) -> Settings:
    """Settings of an attack on the CPU."""
    shape = (3, SIDE, SIDE)
    return Settings(eps, None, steps, None, 3, shape, classes, "float32", "cpu")
