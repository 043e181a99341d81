"""SkipNet: a residual network whose blocks are skipped by what a recurrent gate makes of features
(Wang et al. 2018, Learning Dynamic Routing in Convolutional Networks).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from adapters.models.dynamic.base import THRESHOLD, Gated, hard, skipping
from adapters.models.dynamic.blocks import (
    Costs,
    CountedNetwork,
    Residual,
    Size,
    Stem,
    check_stages,
    convolution_flops,
    initialise,
    linear_flops,
    steps_of,
)

HIDDEN = 10
"""Of the recurrent gate, as the paper has it."""

SPREAD = 0.5
"""Of the gate's first weights. PyTorch's own are so small that gates hardly differ by the image."""


class SkipNet(CountedNetwork):
    """Residual blocks, each but the first behind a gate.

    A gate takes the features after one block and decides on the next:
    x_{l+1} = G_l F_l(x_l) + (1 - G_l) x_l (eq. 1). Where a block changes the shape, its shortcut
    takes the place of x_l, as in the authors' code; it is always computed.

    Args:
        classes: number of classes.
        widths: channels of each stage.
        units: residual blocks of each stage.
        stem: kernel and stride of the first convolution.
        size: side of the images that the costs are of until others come, in pixels.
    """

    def __init__(
        self,
        classes: int = 10,
        *,
        widths: tuple[int, ...] = (64, 128, 384),
        units: tuple[int, ...] = (3, 3, 3),
        stem: tuple[int, int] = (4, 4),
        size: int = 32,
    ) -> None:
        super().__init__()
        check_stages(widths, units)
        steps = steps_of(widths, units)
        self.stem = Stem(widths[0], *stem)
        self.blocks = nn.ModuleList(Residual(*step) for step in steps)
        self.embeddings = nn.ModuleList(nn.Linear(wide, HIDDEN) for _, wide, _ in steps[:-1])
        self.recurrent = nn.LSTMCell(HIDDEN, HIDDEN)
        self.decision = nn.Linear(HIDDEN, 1)
        self.head = nn.Linear(widths[-1], classes)
        initialise(self)
        for embedding in self.embeddings:
            assert isinstance(embedding, nn.Linear)
            nn.init.normal_(embedding.weight, std=SPREAD)
        nn.init.normal_(self.decision.weight, std=4 * SPREAD)
        self._count((size, size))

    def forward(self, images: Tensor) -> Gated:
        self._count((images.shape[-2], images.shape[-1]))
        logits, gates, _ = self._run(images, sampled=False)
        return Gated(logits, gates, self._executed(gates >= THRESHOLD))

    def _run(self, images: Tensor, *, sampled: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Images to logits (N, classes), gating values (N, G), and which were taken as on (N, G).

        Args:
            images: (N, 3, H, W).
            sampled: whether a gate is drawn with its value as probability, without a gradient,
                instead of held against the threshold.
        """
        really = skipping(images) and not sampled
        features = self.stem(images)
        state: tuple[Tensor, Tensor] | None = None
        values: list[Tensor] = []
        taken: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            assert isinstance(block, Residual)
            around = block.shortcut(features)
            if number == 0:
                features = block(features, around)
                continue
            # (N, channels) -> (N, hidden) -> (N, 1); one recurrent cell for all blocks.
            embedded = self.embeddings[number - 1](features.mean(dim=(2, 3)))
            state = self.recurrent(embedded, state)
            assert state is not None
            value = torch.sigmoid(self.decision(state[0]))
            on = torch.bernoulli(value.detach()) if sampled else hard(value)
            values.append(value)
            taken.append(on)
            if really:
                features = block(features, around) if bool(value >= THRESHOLD) else around
            else:
                mask = on[:, :, None, None]
                features = mask * block(features, around) + (1 - mask) * around
        logits = self.head(features.mean(dim=(2, 3)))
        if not values:
            none = images.new_zeros(len(images), 0)
            return logits, none, none
        return logits, torch.cat(values, dim=1), torch.cat(taken, dim=1)

    def _costs(self, size: Size) -> Costs:
        always, size = convolution_flops(self.stem.conv, size)
        always += linear_flops(self.head)
        gates = []
        for number, block in enumerate(self.blocks):
            assert isinstance(block, Residual)
            through, around, size = block.flops(size)
            always += around
            if number == 0:
                always += through
            else:
                gates.append(through)
        cell = self.recurrent
        always += len(gates) * 2.0 * (cell.weight_ih.numel() + cell.weight_hh.numel())
        always += len(gates) * linear_flops(self.decision)
        for embedding in self.embeddings:
            assert isinstance(embedding, nn.Linear)
            always += linear_flops(embedding)
        return Costs(always, tuple(gates))

    def training_loss(self, images: Tensor, labels: Tensor, settings: dict[str, float]) -> Tensor:
        """Supervised, or hybrid reinforcement learning where "reinforcement" is above 0.

        Supervised: cross-entropy, straight through the gates, as the paper relaxes them. Added is
        "penalty" times the squared distance of each gate from being on for a "target" share of the
        minibatch, after Veit and Belongie 2018, weighted by what its block costs; the published
        training has no such penalty.
        """
        if settings.get("reinforcement", 0.0) > 0:
            return self._hybrid_loss(images, labels, settings)
        logits, _, on = self._run(images, sampled=False)
        loss = functional.cross_entropy(logits, labels)
        penalty = settings.get("penalty", 0.0)
        if penalty == 0:
            return loss
        away = (on.mean(dim=0) - settings.get("target", THRESHOLD)) ** 2
        return loss + penalty * (self._weights(on) * away).sum()

    def _hybrid_loss(self, images: Tensor, labels: Tensor, settings: dict[str, float]) -> Tensor:
        """Whose gradient is that of hybrid reinforcement learning (their eqs. 3 to 6).

        Gates are drawn. The gradient of the cross-entropy L through the blocks that were executed
        joins the policy gradient, sum of log p(g_i) r_i, with r_i = -L + alpha/N times the sum of
        (1 - g_j) C_j over the gates from the i-th: what skipping saves from there on. C_j is what
        a block costs, on average 1. Off r_i is taken its mean over the minibatch, which the paper
        does not: the expectation is the same, the variance lower.

        Args:
            images: (N, 3, H, W), in [0, 1].
            labels: (N,).
            settings: "alpha", and "reinforcement", the weight of the policy gradient.
        """
        logits, values, on = self._run(images, sampled=True)
        each = functional.cross_entropy(logits, labels, reduction="none")
        saved = settings["alpha"] * (1 - on) * self._weights(on)
        ahead = saved.flip(1).cumsum(1).flip(1)
        reward = ahead - each.detach()[:, None]
        reward = reward - reward.mean(dim=0)
        told = -functional.binary_cross_entropy(values, on, reduction="none")
        policy = -(told * reward).sum(dim=1).mean()
        return each.mean() + settings["reinforcement"] * policy

    def _weights(self, like: Tensor) -> Tensor:
        """(G,), each gate's share of what can be skipped."""
        return (self.gate_flops / self.gate_flops.sum()).to(like)
