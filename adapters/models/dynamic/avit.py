"""A-ViT: a vision transformer that halts its tokens one by one (Yin et al. 2022)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from adapters.models.dynamic.base import THRESHOLD, DynamicNetwork, Gated, skipping
from adapters.models.dynamic.transformer import (
    EXPANSION,
    Attention,
    Patches,
    attention_flops,
    mlp,
    mlp_flops,
    start,
)

EPSILON = 0.01
"""A token halts once its halting scores sum to more than 1 less this (section 3)."""
SHARPNESS = 8.0
"""Of the sigmoid that makes a gating value of what remains until a token halts."""


class Block(nn.Module):
    """A layer of a transformer on tokens (N, T, dim): attention and MLP, each after a norm."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(dim)
        self.attention = Attention(dim, heads)
        self.before_mlp = nn.LayerNorm(dim)
        self.mlp = mlp(dim, EXPANSION * dim, dim)

    def forward(self, tokens: Tensor, added: Tensor | None = None) -> Tensor:
        mixed, _ = self.attention(self.before_attention(tokens), added)
        tokens = tokens + mixed
        out: Tensor = tokens + self.mlp(self.before_mlp(tokens))
        return out


class Halted(NamedTuple):
    """What a pass through the layers comes to.

    Attributes:
        logits: (N, classes).
        gates: (layers - 1, N, K), of each layer but the first, which every token goes through.
        counts: (layers, N), float64, tokens that each layer processed.
        ponder: (N, K), layers that a token went through, and its remainder.
        scores: (layers,), mean halting score of a layer's tokens.
    """

    logits: Tensor
    gates: Tensor
    counts: Tensor
    ponder: Tensor
    scores: Tensor


class AVit(DynamicNetwork):
    """A-ViT (Yin et al. 2022), each of whose tokens halts after as many layers as it needs.

    After each layer a token has the halting score sigmoid(scale t + shift) of its first embedding
    dimension t (eq. 3). It halts when its scores sum to more than 1 - epsilon; from then on it is
    zero, and no other token sees it. The network's output is the mean of the class token's states,
    each weighted by its score, and the last one by what remains to 1 (eq. 4 to 8).

    The gate of a token and of a layer after the first is sigmoid(sharpness R), R being 1 - epsilon
    less the scores so far: it falls from layer to layer, and is a half where the token halts. The
    class token halts as every other does, as in the paper, so it has gates too. The first layer
    executes every token, so it has none.

    Args:
        classes: of the logits.
        dim: of a token.
        layers: how many, from 2.
        heads: of attention; must divide `dim`.
        patch: side of a patch, in pixels; must divide `size`.
        size: side of an image, in pixels.
        scale, shift: of the halting scores, gamma and beta of the paper; with this shift few tokens
            halt at first. The authors' code has 10 and -30, and starts from a trained network.
    """

    def __init__(
        self,
        classes: int,
        *,
        dim: int = 96,
        layers: int = 5,
        heads: int = 3,
        patch: int = 4,
        size: int = 32,
        scale: float = 5.0,
        shift: float = -5.0,
    ) -> None:
        super().__init__()
        self.scale, self.shift = scale, shift
        self.patches = Patches(size, patch, dim)
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)
        start(self)
        self._dim = dim
        self._always = self.patches.flops + 2.0 * dim * classes
        count = self.patches.count
        layer = float(self._layer_flops(torch.tensor(count, dtype=torch.float64)))
        gates = count * (layers - 1)
        self.gate_flops = torch.full((gates,), layer / count, dtype=torch.float64)
        self.static_flops = self._always + layers * layer

    def forward(self, images: Tensor) -> Gated:
        self.gate_flops = self.gate_flops.to(images.device)
        halted = self._run(images)
        flops = self._always + self._layer_flops(halted.counts).sum(0)
        gates = halted.gates.permute(1, 0, 2).flatten(1)
        return Gated(halted.logits, gates, flops)

    def training_loss(self, images: Tensor, labels: Tensor, settings: dict[str, float]) -> Tensor:
        """Cross-entropy, ponder loss and distributional prior (eq. 9 to 12).

        Args:
            images: (N, 3, H, W), in [0, 1].
            labels: (N,), class numbers.
            settings: "ponder" and "prior", the weights; "depth", the layer, from 1, around which
                tokens should halt.
        """
        halted = self._run(images)
        loss = functional.cross_entropy(halted.logits, labels)
        loss = loss + settings.get("ponder", 0.0) * halted.ponder.mean()
        depth = settings.get("depth", len(self.blocks) * 0.75)
        return loss + settings.get("prior", 0.0) * prior_loss(halted.scores, depth)

    def _run(self, images: Tensor) -> Halted:
        tokens = self.patches(images)
        drop = skipping(images)
        on = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        summed = tokens.new_zeros(tokens.shape[:2])
        output = tokens.new_zeros(tokens[:, 0].shape)
        ponder = summed
        gates, counts, scores = [], [], []
        for number, block in enumerate(self.blocks, 1):
            counts.append(on.sum(1, dtype=torch.float64))
            tokens = dropped(block, tokens, on) if drop else masked(block, tokens, on)
            score = torch.sigmoid(self.scale * tokens[..., 0] + self.shift)
            scores.append(score[:, 1:].mean())
            left = 1 - summed
            summed = summed + score * on
            gate = torch.sigmoid(SHARPNESS * (1 - EPSILON - summed))
            goes_on = on & (gate >= THRESHOLD)
            if number == len(self.blocks):
                goes_on = torch.zeros_like(on)
            else:
                gates.append(gate)
            halts = on & ~goes_on
            weight = score * goes_on + left * halts
            output = output + weight[:, :1] * tokens[:, 0]
            ponder = ponder + on + left * halts
            on = goes_on
        logits = self.head(self.norm(output))
        return Halted(logits, torch.stack(gates), torch.stack(counts), ponder, torch.stack(scores))

    def _layer_flops(self, counts: Tensor) -> Tensor:
        """What a layer takes that processes so many tokens."""
        each = mlp_flops(self._dim, EXPANSION * self._dim, self._dim)
        return attention_flops(counts, self._dim) + each * counts


def masked(block: nn.Module, tokens: Tensor, on: Tensor) -> Tensor:
    """A layer on tokens (N, T, dim); those that are not on, (N, T), are seen by none, and zero
    afterwards."""
    # Half of the lowest number: nothing that is added to it leaves the range.
    lowest = torch.finfo(tokens.dtype).min / 2
    added = torch.zeros_like(tokens[..., 0]).masked_fill(~on, lowest)
    out: Tensor = block(tokens, added[:, None, None]) * on.unsqueeze(-1)
    return out


def dropped(block: nn.Module, tokens: Tensor, on: Tensor) -> Tensor:
    """The same of one image, where only the tokens that are on are computed."""
    kept = on[0].nonzero().squeeze(1)
    out = torch.zeros_like(tokens)
    if len(kept):
        out[:, kept] = block(tokens[:, kept])
    return out


def prior_loss(scores: Tensor, depth: float) -> Tensor:
    """The distributional prior: the divergence of the layers' mean halting scores, as a
    distribution, from a normal one around a target depth.

    Args:
        scores: (layers,).
        depth: the layer, from 1, around which tokens should halt; the width is one layer.
    """
    layers = torch.arange(1, len(scores) + 1, dtype=scores.dtype, device=scores.device)
    target = torch.exp(-0.5 * (layers - depth) ** 2)
    target = target / target.sum()
    # The floor is the authors': the logarithm of a score that is all but zero would drown the rest.
    reached = (scores / scores.sum()).clamp(0.01, 0.99)
    return functional.kl_div(reached.log(), target, reduction="sum")
