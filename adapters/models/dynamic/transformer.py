"""What the transformers among the dynamic networks share: tokens of an image, attention, an MLP.

Attention is plain matrix products and a softmax, so that any torch computes it and every operation
is counted. Operations are counted as `torch.utils.flop_counter` does: two for each multiplication
of a convolution, a linear layer or a matrix product, none for the rest.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EXPANSION = 4
"""A hidden layer of an MLP is this many times as wide as its tokens."""


PLACES = 0.3
"""Width of what is first known of places: about that of patches, so that few images are enough to
tell one place from another. Vision transformers for millions of images begin with 0.02."""


class Patches(nn.Module):
    """Images (N, 3, size, size) in [0, 1] to tokens (N, 1 + patches, dim), the class token first
    (Dosovitskiy et al. 2021, eq. 1)."""

    def __init__(self, size: int, patch: int, dim: int) -> None:
        super().__init__()
        check_tiles(size, patch)
        self.size = size
        self.side = size // patch
        self.count = 1 + self.side**2
        self.project = nn.Conv2d(3, dim, patch, patch)
        self.first = nn.Parameter(torch.zeros(1, 1, dim))
        self.positions = nn.Parameter(torch.zeros(1, self.count, dim))
        self.flops = 2.0 * self.side**2 * 3 * patch**2 * dim

    def forward(self, images: Tensor) -> Tensor:
        check_size(images, self.size)
        patches = self.project(2 * images - 1).flatten(2).transpose(1, 2)
        return torch.cat([self.first.expand(len(images), -1, -1), patches], 1) + self.positions


class Attention(nn.Module):
    """Multi-head self-attention of tokens (N, T, dim)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (dim // heads) ** -0.5
        self.inwards = nn.Linear(dim, 3 * dim)
        self.outwards = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, added: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What tokens read from each other (N, T, dim), and their relations (N, heads, T, T), which
        are attention before the softmax.

        Args:
            tokens: (N, T, dim), normalised.
            added: to the relations; of their shape, or one that broadcasts to it.
        """
        batch, count, dim = tokens.shape
        parts = self.inwards(tokens).reshape(batch, count, 3, self.heads, dim // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        relations = query @ key.transpose(-2, -1) * self.scale
        if added is not None:
            relations = relations + added
        mixed = (relations.softmax(-1) @ value).transpose(1, 2).reshape(batch, count, dim)
        return self.outwards(mixed), relations


def mlp(inwards: int, hidden: int, outwards: int) -> nn.Sequential:
    """Two linear layers with a GELU between."""
    return nn.Sequential(nn.Linear(inwards, hidden), nn.GELU(), nn.Linear(hidden, outwards))


def mlp_flops(inwards: int, hidden: int, outwards: int) -> float:
    """What `mlp` takes for one token."""
    return 2.0 * hidden * (inwards + outwards)


def attention_flops(count: Tensor | int, dim: int) -> Tensor | float:
    """What attention takes among so many tokens of so many dimensions: four projections of each
    token, and two products with each other token."""
    return 8.0 * count * dim**2 + 4.0 * count**2 * dim


def start(network: nn.Module) -> None:
    """Draws a transformer's first weights: what is learned of places from a normal distribution,
    linear layers as Glorot & Bengio (2010) have it."""
    for module in network.modules():
        if isinstance(module, Patches):
            nn.init.normal_(module.positions, std=PLACES)
            nn.init.normal_(module.first, std=PLACES)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)


def check_tiles(size: int, patch: int) -> None:
    """Raises a ValueError where images can't be cut into patches."""
    if size < patch or size % patch:
        raise ValueError(f"images of {size}x{size} can't be cut into patches of {patch}x{patch}")


def check_size(images: Tensor, size: int) -> None:
    """Raises a ValueError for images that the network was not built for."""
    if images.shape[1:] != (3, size, size):
        shape = "x".join(str(length) for length in images.shape[1:])
        raise ValueError(f"the network takes images of 3x{size}x{size}, and got {shape}")
