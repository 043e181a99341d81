"""DVT: vision transformers of ever more tokens in a row, left at the first that is sure of itself
(Wang et al. 2021, "Not all images are worth 16x16 words")."""

from __future__ import annotations

from collections.abc import Sequence
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

RELATIONS = 3
"""The hidden layer of relationship reuse is this many times as wide as there are relations."""


class Upstream(NamedTuple):
    """What a transformer leaves to the next.

    Attributes:
        features: (N, 1 + side^2, dim), its last tokens.
        relations: (N, layers x heads, 1 + side^2, 1 + side^2), attention before the softmax.
        side: patches in a row.
    """

    features: Tensor
    relations: Tensor
    side: int


class Block(nn.Module):
    """A layer on tokens (N, T, dim), whose MLP also reads what the upstream transformer found.

    What an MLP reads from the upstream tokens is upsampled, and stands beside the own tokens in
    front of their MLP; beside the class token are zeros (eq. 3 to 5). The upstream relations are
    added to those of attention (eq. 6 to 8).
    """

    def __init__(self, dim: int, heads: int, reused: int) -> None:
        super().__init__()
        self.reused = reused
        self.before_attention = nn.LayerNorm(dim)
        self.attention = Attention(dim, heads)
        self.before_mlp = nn.LayerNorm(dim + reused)
        self.mlp = mlp(dim + reused, EXPANSION * dim, dim)
        if reused:
            self.before_reuse = nn.LayerNorm(dim)
            self.reuse = mlp(dim, 2 * reused, reused)

    def forward(
        self, tokens: Tensor, side: int, upstream: Upstream | None, added: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        mixed, relations = self.attention(self.before_attention(tokens), added)
        tokens = tokens + mixed
        read = tokens
        if upstream is not None:
            found = self.reuse(self.before_reuse(upstream.features[:, 1:])).transpose(1, 2)
            found = functional.pad(finer(found, upstream.side, side), (1, 0)).transpose(1, 2)
            read = torch.cat([tokens, found], 2)
        return tokens + self.mlp(self.before_mlp(read)), relations


class Transformer(nn.Module):
    """One of the cascade: images (N, 3, size, size) and the upstream one's to logits.

    Attributes:
        flops: of one image.
    """

    def __init__(
        self, classes: int, size: int, patch: int, dim: int, layers: int, heads: int, upstream: int
    ) -> None:
        """`upstream`: patches in a row of the transformer before, 0 of the first."""
        super().__init__()
        reused = max(1, dim // 4) if upstream else 0
        self.patches = Patches(size, patch, dim)
        self.blocks = nn.ModuleList(Block(dim, heads, reused) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)
        count, all_relations = self.patches.count, layers * heads
        self.relate = (
            mlp(all_relations, RELATIONS * all_relations, all_relations) if reused else None
        )
        layer = float(attention_flops(count, dim))
        layer += count * mlp_flops(dim + reused, EXPANSION * dim, dim)
        layer += upstream**2 * mlp_flops(dim, 2 * reused, reused)
        self.flops = self.patches.flops + layers * layer + 2.0 * dim * classes
        if reused:
            pairs = (1 + upstream**2) ** 2
            self.flops += pairs * mlp_flops(all_relations, RELATIONS * all_relations, all_relations)

    def forward(self, images: Tensor, upstream: Upstream | None) -> tuple[Tensor, Upstream]:
        tokens, side = self.patches(images), self.patches.side
        added: list[Tensor | None] = [None] * len(self.blocks)
        if upstream is not None:
            added = list(self._relations(upstream).chunk(len(self.blocks), 1))
        relations = []
        for block, own in zip(self.blocks, added, strict=True):
            tokens, related = block(tokens, side, upstream, own)
            relations.append(related)
        logits = self.head(self.norm(tokens[:, 0]))
        return logits, Upstream(tokens, torch.cat(relations, 1), side)

    def _relations(self, upstream: Upstream) -> Tensor:
        """(N, layers x heads, T, T), what all upstream relations say of ours (eq. 6 to 8): an MLP
        for each pair of tokens, upsampled along rows and columns."""
        assert self.relate is not None
        related: Tensor = self.relate(upstream.relations.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        for _ in range(2):
            grid = finer(related[..., 1:], upstream.side, self.patches.side)
            related = torch.cat([related[..., :1], grid], -1).transpose(-2, -1)
        return related


class Dvt(DynamicNetwork):
    """Dynamic Vision Transformer (Wang et al. 2021): a cascade with feature and relationship reuse.

    An image leaves at the first transformer whose confidence c, its highest class probability, is
    above that exit's threshold q. The gate of the next one is (1 - c) / ((1 - c) + (1 - q)): a
    half where c = q, and never above the gate before it. The first transformer has none. Where
    one image left early, `exits` repeats the last logits that there are.

    Args:
        classes: of the logits.
        dim: of a token.
        layers: of each transformer.
        heads: of attention; must divide `dim`.
        patches: side of a patch of each transformer, in pixels; each must divide
            `size`.
        size: side of an image, in pixels.
        confidence: the thresholds, until a training with a budget sets them.
    """

    limits: Tensor

    def __init__(
        self,
        classes: int,
        *,
        dim: int = 96,
        layers: int = 3,
        heads: int = 3,
        patches: Sequence[int] = (16, 8, 4),
        size: int = 32,
        confidence: float = 0.9,
    ) -> None:
        super().__init__()
        sides = [size // patch for patch in patches]
        self.cascade = nn.ModuleList(
            Transformer(classes, size, patch, dim, layers, heads, upstream)
            for patch, upstream in zip(patches, [0, *sides], strict=False)
        )
        start(self)
        # Kept as 1 - q: near a confidence of 1 it has digits that q has not.
        self.register_buffer("limits", torch.full((len(sides) - 1,), 1 - confidence))
        costs = [transformer.flops for transformer in self.cascade]
        self._costs = torch.tensor(costs, dtype=torch.float64)
        self.gate_flops = self._costs[1:]
        self.static_flops = float(self._costs.sum())

    def forward(self, images: Tensor) -> Gated:
        self.gate_flops = self.gate_flops.to(images.device)
        stop = skipping(images)
        upstream: Upstream | None = None
        exits: list[Tensor] = []
        gates: list[Tensor] = []
        for number, transformer in enumerate(self.cascade):
            if number:
                gates.append(gate(exits[-1], self.limits[number - 1]))
                if stop and bool(gates[-1] < THRESHOLD):
                    break
            logits, upstream = transformer(images, upstream)
            exits.append(logits)
        missing = len(self.cascade) - len(exits)
        exits += [exits[-1]] * missing
        gates += [torch.zeros_like(gates[0])] * (len(self.limits) - len(gates))
        every = torch.stack(gates, 1).cummin(1).values
        reached = (every >= THRESHOLD).sum(1)
        answers = torch.stack(exits, 1)
        logits = answers[torch.arange(len(images), device=images.device), reached]
        flops = self._costs.to(images.device).cumsum(0)[reached]
        return Gated(logits, every, flops, answers)

    def training_loss(self, images: Tensor, labels: Tensor, settings: dict[str, float]) -> Tensor:
        """The sum of the exits' cross-entropies (section 3.1).

        Args:
            images: (N, 3, H, W), in [0, 1].
            labels: (N,), class numbers.
            settings: "going_on", the share of images that an exit's threshold should send on, from
                0 to 1. The paper finds thresholds that meet a budget once the network is trained;
                here they follow the images of the minibatches. Without it they stay.
        """
        exits = self(images).exits
        assert exits is not None
        if "going_on" in settings:
            self._set_thresholds(exits.detach(), settings["going_on"])
        every = [functional.cross_entropy(logits, labels) for logits in exits.unbind(1)]
        return torch.stack(every).sum()

    def _set_thresholds(self, exits: Tensor, going_on: float) -> None:
        """Moves the thresholds, as logarithms, some way to this minibatch's quantiles."""
        doubts = doubt(exits[:, :-1]).clamp_min(SMALLEST)
        here = doubts.quantile(1 - going_on, 0).log()
        self.limits.copy_(torch.lerp(self.limits.clamp_min(SMALLEST).log(), here, PACE).exp())


SMALLEST = 1e-12
"""Doubts below are none: their logarithm would swamp those of other images."""
PACE = 0.05
"""Share of its way to a minibatch's quantile that a threshold goes."""


def doubt(logits: Tensor) -> Tensor:
    """1 - c, where c is the highest probability of a softmax over the last dimension: the sum of
    the others, which has digits where c is 1 to rounding."""
    probabilities = logits.softmax(-1)
    highest = functional.one_hot(logits.argmax(-1), logits.shape[-1]).bool()
    return probabilities.masked_fill(highest, 0).sum(-1)


def gate(logits: Tensor, limit: Tensor) -> Tensor:
    """(N,), the gating value behind an exit with logits (N, classes), `limit` being 1 - q."""
    own = doubt(logits)
    return own / (own + limit.clamp_min(torch.finfo(limit.dtype).tiny))


def finer(grid: Tensor, side: int, wanted: int) -> Tensor:
    """What the last dimension of (N, C, ...) says of side^2 patches, for wanted^2 of them."""
    shape = grid.shape
    flat = grid.reshape(shape[0], -1, side, side)
    return functional.interpolate(flat, size=(wanted, wanted)).reshape(*shape[:-1], wanted**2)
