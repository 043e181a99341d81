"""ManiDP: a residual network that prunes its channels by the image (Tang et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from adapters.models.dynamic.base import THRESHOLD, DynamicNetwork, Gated, skipping
from adapters.models.dynamic.transformer import check_size, check_tiles

SQUEEZE = 4
"""Channels for each hidden unit of the module that tells saliencies."""
PACE = 0.05
"""Share of their way to what a minibatch has that running values go."""


class Pruned(NamedTuple):
    """A convolution whose channels were pruned, for a batch.

    Attributes:
        output: (N, channels, H, W), zero where pruned.
        margin: (N, channels), how far each is above the layer's threshold.
        saliency: (N, channels), the margin's sigmoid.
        features: (N, channels), their means over places before pruning; only what was computed.
    """

    output: Tensor
    margin: Tensor
    saliency: Tensor
    features: Tensor


class PrunedConvolution(nn.Module):
    """A convolution with batch norm whose channels an image needs or does not.

    A squeeze-and-excitation module (Hu et al. 2018) tells the saliency of each channel from the
    convolution's input; channels below the layer's threshold are zero, and others are scaled by
    their saliency (eq. 2 to 4). A saliency is told as the sigmoid of how far it is above the
    threshold, so that it is in [0, 1], and a half at the threshold of every layer.

    Attributes:
        bound: the threshold, which training moves.
        pair_flops: of one input channel and one output channel.
    """

    bound: Tensor

    def __init__(self, inwards: int, channels: int, stride: int, side: int) -> None:
        """`side`: of its output, in pixels."""
        super().__init__()
        hidden = max(1, channels // SQUEEZE)
        self.convolution = nn.Conv2d(inwards, channels, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.squeeze = nn.Linear(inwards, hidden, bias=False)
        self.excite = nn.Linear(hidden, channels)
        nn.init.kaiming_normal_(self.convolution.weight, mode="fan_out", nonlinearity="relu")
        nn.init.kaiming_normal_(self.squeeze.weight)
        nn.init.kaiming_normal_(self.excite.weight)
        # Most channels start above the threshold; the bias is the authors'.
        nn.init.ones_(self.excite.bias)
        self.register_buffer("bound", torch.zeros(()))
        self.inwards, self.channels = inwards, channels
        self.pair_flops = 2.0 * 9 * side**2
        self.gate_flops = 2.0 * hidden * (inwards + channels)

    def forward(self, maps: Tensor, given: Tensor | None, drop: bool, last: bool) -> Pruned:
        """Maps (N, inwards, H, W) to pruned ones.

        Args:
            maps: zero in pruned channels.
            given: (N, inwards), saliencies of the input's channels; None where all are there.
            drop: whether only channels that are on are computed, of one image.
            last: whether no ReLU follows before pruning.
        """
        told = self.excite(functional.relu(self.squeeze(maps.mean((2, 3)))))
        margin = told - self.bound
        saliency = torch.sigmoid(margin)
        computed = (
            self._computed(maps, given, saliency) if drop else self.norm(self.convolution(maps))
        )
        computed = computed if last else functional.relu(computed)
        # The value is the saliency or zero; the gradient that of the saliency (straight-through).
        scale = saliency - (saliency * (saliency < THRESHOLD)).detach()
        output = computed * scale[..., None, None]
        return Pruned(output, margin, saliency, computed.mean((2, 3)))

    def move_bound(self, margin: Tensor, remaining: float) -> None:
        """Moves the threshold some way to where this share of a minibatch is above it; `margin` is
        (N, channels)."""
        self.bound.add_(PACE * margin.quantile(1 - remaining))

    def _computed(self, maps: Tensor, given: Tensor | None, saliency: Tensor) -> Tensor:
        """Of one image, the normalised output; zero in channels that are off."""
        stride, norm = self.convolution.stride, self.norm
        height, width = (-(-length // stride[0]) for length in maps.shape[2:])
        out = maps.new_zeros(1, self.channels, height, width)
        outwards = (saliency[0] >= THRESHOLD).nonzero().squeeze(1)
        if not len(outwards):
            return out
        weight = chosen(self.convolution.weight, 0, outwards)
        if given is not None:
            inwards = (given[0] >= THRESHOLD).nonzero().squeeze(1)
            maps, weight = chosen(maps, 1, inwards), chosen(weight, 1, inwards)
        found = maps.new_zeros(1, len(outwards), height, width)
        if weight.numel():
            found = functional.conv2d(maps, weight, None, stride, 1)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        normal = functional.batch_norm(
            found,
            norm.running_mean[outwards],
            norm.running_var[outwards],
            norm.weight[outwards],
            norm.bias[outwards],
            eps=norm.eps,
        )
        return out.index_copy(1, outwards, normal)


def chosen(values: Tensor, axis: int, numbers: Tensor) -> Tensor:
    """Those with these numbers along an axis; the same tensor where that is all of them.

    index_select copies whole rows, which is quicker than indexing with the numbers.
    """
    whole = len(numbers) == values.shape[axis]
    return values if whole else values.index_select(axis, numbers)


class Block(nn.Module):
    """A residual block of two pruned convolutions (He et al. 2016).

    Attributes:
        fixed_flops: of what is always executed.
    """

    def __init__(self, inwards: int, channels: int, stride: int, side: int) -> None:
        """`side`: of its output, in pixels."""
        super().__init__()
        self.first = PrunedConvolution(inwards, channels, stride, side)
        self.second = PrunedConvolution(channels, channels, 1, side)
        self.fixed_flops = self.first.gate_flops + self.second.gate_flops
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inwards != channels:
            self.shortcut = nn.Conv2d(inwards, channels, 1, stride, bias=False)
            self.fixed_flops += 2.0 * side**2 * inwards * channels

    def forward(self, maps: Tensor, drop: bool) -> tuple[Tensor, Pruned, Pruned]:
        first = self.first(maps, None, drop, last=False)
        second = self.second(first.output, first.saliency, drop, last=True)
        return functional.relu(self.shortcut(maps) + second.output), first, second


class ManiDp(DynamicNetwork):
    """Manifold regularised dynamic pruning (Tang et al. 2021) of a residual network.

    A gate is the saliency of a channel, a sigmoid, with a threshold of a half. It costs the
    convolution that makes the channel, with all of its inputs. What is executed counts only the
    inputs that are on, so that pruning two convolutions in a row saves more than the sum of their
    gates. Stem, shortcuts and the modules that tell saliencies are always executed.

    Args:
        classes: of the logits.
        widths: channels of each stage; each stage but the first halves the maps.
        blocks: residual blocks of a stage.
        stem: side of the patches that the first convolution reads, in pixels; must divide `size`.
        size: side of an image, in pixels.
    """

    usual: Tensor

    def __init__(
        self,
        classes: int,
        *,
        widths: Sequence[int] = (64, 128, 256),
        blocks: int = 2,
        stem: int = 4,
        size: int = 32,
    ) -> None:
        super().__init__()
        check_tiles(size, stem)
        self.size = size
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], stem, stem, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        side = size // stem
        self._always = 2.0 * side**2 * 3 * stem**2 * widths[0] + 2.0 * widths[-1] * classes
        made: list[Block] = []
        inwards = widths[0]
        for stage, channels in enumerate(widths):
            for number in range(blocks):
                stride = 2 if stage and not number else 1
                side = -(-side // stride)
                made.append(Block(inwards, channels, stride, side))
                inwards = channels
        self.blocks = nn.ModuleList(made)
        self.head = nn.Linear(inwards, classes)
        self._always += sum(block.fixed_flops for block in made)
        parts = self._parts()
        self.gate_flops = torch.cat(
            [
                torch.full((p.channels,), p.pair_flops * p.inwards, dtype=torch.float64)
                for p in parts
            ]
        )
        self.static_flops = self._always + float(self.gate_flops.sum())
        # The running mean of cross-entropies, against which an image is simple or not.
        self.register_buffer("usual", torch.tensor(float(classes)).log())

    def forward(self, images: Tensor) -> Gated:
        self.gate_flops = self.gate_flops.to(images.device)
        logits, pruned = self._run(images)
        flops = torch.full((len(images),), self._always, dtype=torch.float64, device=images.device)
        for block, first, second in zip(self.blocks, pruned[::2], pruned[1::2], strict=True):
            assert isinstance(block, Block)
            on = [(one.saliency >= THRESHOLD).sum(1).double() for one in (first, second)]
            flops = flops + block.first.pair_flops * block.first.inwards * on[0]
            flops = flops + block.second.pair_flops * on[0] * on[1]
        return Gated(logits, torch.cat([one.saliency for one in pruned], 1), flops)

    def training_loss(self, images: Tensor, labels: Tensor, settings: dict[str, float]) -> Tensor:
        """Cross-entropy, sparsity by complexity (eq. 5 to 7) and kept similarity (eq. 8 to 10).

        Args:
            images: (N, 3, H, W), in [0, 1].
            labels: (N,), class numbers.
            settings: "sparsity" and "similarity", the weights (lambda' and gamma of the paper);
                "simple", of the mean cross-entropy, the bound C below which an image is simple;
                "remaining", the share of channels that the thresholds should leave, and "rising",
                the share of the stage over which they come to that, both from 0 to 1. Without
                "remaining" thresholds stay.
        """
        logits, pruned = self._run(images)
        losses = functional.cross_entropy(logits, labels, reduction="none")
        bound = settings.get("simple", 1.0) * self.usual
        weight = sparsity_weight(losses.detach(), bound)
        sparsity = sum((weight * one.saliency.mean(1)).mean() for one in pruned)
        similarity = sum(similarity_loss(one.saliency, one.features) for one in pruned)
        self.usual.lerp_(losses.detach().mean(), PACE)
        if "remaining" in settings:
            self._move_bounds(pruned, settings)
        return (
            losses.mean()
            + settings.get("sparsity", 0.0) * sparsity
            + settings.get("similarity", 0.0) * similarity
        )

    def _move_bounds(self, pruned: list[Pruned], settings: dict[str, float]) -> None:
        """The threshold of every layer follows the share of channels that should remain."""
        rising = settings.get("rising", 0.0)
        reached = min(1.0, settings.get("share", 1.0) / rising) if rising else 1.0
        remaining = 1 - reached * (1 - settings["remaining"])
        for part, one in zip(self._parts(), pruned, strict=True):
            part.move_bound(one.margin.detach(), remaining)

    def _parts(self) -> list[PrunedConvolution]:
        return [part for part in self.modules() if isinstance(part, PrunedConvolution)]

    def _run(self, images: Tensor) -> tuple[Tensor, list[Pruned]]:
        """Logits, and two pruned convolutions of each block in their order."""
        check_size(images, self.size)
        drop = skipping(images) and not self.training
        maps = self.stem(images)
        pruned: list[Pruned] = []
        for block in self.blocks:
            maps, first, second = block(maps, drop)
            pruned += [first, second]
        return self.head(maps.mean((2, 3))), pruned


def sparsity_weight(losses: Tensor, bound: Tensor) -> Tensor:
    """(N,), how much an image's saliencies are penalised (eq. 5 to 7): (C - L) / C where its
    cross-entropy L is below the bound C, as of an image that a smaller network can do; else 0."""
    return ((bound - losses) / bound).clamp_min(0)


def similarity_loss(saliency: Tensor, features: Tensor) -> Tensor:
    """How much the likeness of images by a layer's saliencies is not that by its features (eq. 8 to
    10): the mean squared difference of the two tables of cosines.

    Args:
        saliency: (N, channels).
        features: (N, channels), means over places.
    """
    tables = []
    for vectors in (saliency, features):
        unit = functional.normalize(vectors, dim=1)
        tables.append(unit @ unit.t())
    return (tables[0] - tables[1]).square().mean()
