"""Shallow-Deep network: a network with internal classifiers, left at the first that is confident
(Kaya et al. 2019, Shallow-Deep Networks: Understanding and Mitigating Network Overthinking).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from adapters.models.dynamic.base import THRESHOLD, Gated, skipping
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

REDUCED = 4
"""Side to which an internal classifier pools its features, as in the paper."""
FIRST_WEIGHT = 0.01
"""Of internal classifiers' losses at the start of training, as in the paper."""


class ShallowDeep(CountedNetwork):
    """Residual blocks in segments, each with a classifier at its end.

    An image leaves at the first classifier whose largest probability c is above `confidence` q.
    The gate of the next segment has the value (1 - c) / ((1 - c) + (1 - q)), 0.5 at
    c = q, or that of the gate before it where that is less.

    Args:
        classes: number of classes.
        widths: channels of each stage.
        units: residual blocks of each stage.
        exits: numbers of blocks, from 1, after which an internal classifier stands, rising; the
            last block's is always there.
        confidence: q, above 0 and below 1.
        stem: kernel and stride of the first convolution.
        size: side of the images that it is made for, in pixels.
    """

    def __init__(
        self,
        classes: int = 10,
        *,
        widths: tuple[int, ...] = (64, 128, 256),
        units: tuple[int, ...] = (3, 3, 3),
        exits: tuple[int, ...] = (3, 5, 7),
        confidence: float = 0.5,
        stem: tuple[int, int] = (4, 4),
        size: int = 32,
    ) -> None:
        super().__init__()
        check_stages(widths, units)
        steps = steps_of(widths, units)
        ends = (0, *exits, len(steps))
        if list(ends) != sorted(set(ends)):
            raise ValueError(f"exits {exits}: give rising numbers, from 1 to {len(steps) - 1}")
        if not 0 < confidence < 1:
            raise ValueError(f"confidence {confidence}: give one above 0 and below 1")
        self.confidence = confidence
        self.stem = Stem(widths[0], *stem)
        _, features = convolution_flops(self.stem.conv, (size, size))
        segments: list[nn.Module] = []
        for start, end in pairwise(ends):
            blocks = [Residual(*step) for step in steps[start:end]]
            for block in blocks:
                *_, features = block.flops(features)
            # The network's own classifier pools everything, as a residual network's does.
            side = 1 if end == len(steps) else min(REDUCED, *features)
            segments.append(_Segment(blocks, _Classifier(steps[end - 1][1], classes, side)))
        self.segments = nn.ModuleList(segments)
        initialise(self)
        self._count((size, size))

    def forward(self, images: Tensor) -> Gated:
        self._count((images.shape[-2], images.shape[-1]))
        really = skipping(images)
        features = self.stem(images)
        every: list[Tensor] = []
        gates: list[Tensor] = []
        logits = images.new_zeros(0)
        for segment in self.segments:
            if really and gates and bool(gates[-1] < THRESHOLD):
                # Nothing is computed from here on: its gates are off, its exit tells the last word.
                gates.append(torch.zeros_like(gates[-1]))
                every.append(every[-1])
                continue
            features, told = segment(features)
            every.append(told)
            going_on = gates[-1][:, None] >= THRESHOLD if gates else None
            logits = every[-1] if going_on is None else torch.where(going_on, every[-1], logits)
            gates.append(self._gate(every[-1], gates))
        # The last classifier has no segment behind it.
        values = torch.stack(gates[:-1], dim=1) if gates[1:] else images.new_zeros(len(images), 0)
        flops = self._executed(values >= THRESHOLD)
        return Gated(logits, values, flops, torch.stack(every, dim=1))

    def _gate(self, logits: Tensor, before: list[Tensor]) -> Tensor:
        """(N,), the gating value of the segment behind an exit (N, classes)."""
        doubt = 1 - functional.softmax(logits, dim=1).amax(dim=1)
        value = doubt / (doubt + (1 - self.confidence))
        return torch.minimum(value, before[-1]) if before else value

    def _costs(self, size: Size) -> Costs:
        stem, size = convolution_flops(self.stem.conv, size)
        spent = []
        for segment in self.segments:
            assert isinstance(segment, _Segment)
            here, size = segment.flops(size)
            spent.append(here)
        return Costs(stem + spent[0], tuple(spent[1:]))

    def training_loss(self, images: Tensor, labels: Tensor, settings: dict[str, float]) -> Tensor:
        """The weighted sum of all exits' cross-entropies.

        An internal classifier's weight (the paper's tau) rises with the "share" of the training
        that is done, from 0.01 to its own share of the network's operations; the last one's is 1.
        "ceiling", if set, is the largest weight that an internal one gets: easy images then keep
        some doubt at early exits.
        """
        exits = self(images).exits
        *internal, last = exits.unbind(dim=1)
        reached = self._always + torch.cumsum(functional.pad(self.gate_flops, (1, -1)), dim=0)
        loss = functional.cross_entropy(last, labels)
        for logits, spent in zip(internal, reached.tolist(), strict=True):
            highest = min(spent / self.static_flops, settings.get("ceiling", 1.0))
            weight = FIRST_WEIGHT + settings.get("share", 1.0) * (highest - FIRST_WEIGHT)
            loss = loss + weight * functional.cross_entropy(logits, labels)
        return loss


class _Segment(nn.Module):
    """Residual blocks up to an exit, and its classifier."""

    def __init__(self, blocks: list[Residual], classifier: _Classifier) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.classifier = classifier

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features of the segment before to this one's, and the exit's logits (N, classes)."""
        for block in self.blocks:
            assert isinstance(block, Residual)
            features = block(features, block.shortcut(features))
        return features, self.classifier(features)

    def flops(self, size: Size) -> tuple[float, Size]:
        """What it costs one image, and the size that comes out."""
        spent = linear_flops(self.classifier.linear)
        for block in self.blocks:
            assert isinstance(block, Residual)
            through, around, size = block.flops(size)
            spent += through + around
        return spent, size


class _Classifier(nn.Module):
    """Features (N, channels, H, W) to logits: pooled to a small square by a learnt mixture of the
    mean and the maximum, as in the paper (after Lee et al. 2016), then one linear layer.

    Args:
        channels: of the features.
        classes: number of classes.
        side: of the square.
    """

    def __init__(self, channels: int, classes: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.mixture = nn.Parameter(torch.tensor(0.5))
        self.linear = nn.Linear(channels * side * side, classes)

    def forward(self, features: Tensor) -> Tensor:
        down, across = (length // self.side for length in features.shape[2:])
        if min(down, across) < 1:
            raise ValueError(f"features of {tuple(features.shape[2:])}: give larger images")
        even = features[:, :, : down * self.side, : across * self.side]
        # Not pooling layers: those have no deterministic gradient on a GPU.
        parts = even.reshape(*features.shape[:2], self.side, down, self.side, across)
        mean, most = parts.mean(dim=(3, 5)), parts.amax(dim=(3, 5))
        pooled = self.mixture * most + (1 - self.mixture) * mean
        logits: Tensor = self.linear(pooled.flatten(1))
        return logits
