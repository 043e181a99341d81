"""SACT: each position of the features halts by itself, inside each group of residual units
(Figurnov et al. 2017, Spatially Adaptive Computation Time for Residual Networks).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from adapters.models.dynamic.base import THRESHOLD, Gated, skipping
from adapters.models.dynamic.blocks import (
    Costs,
    CountedNetwork,
    Size,
    Stem,
    check_stages,
    convolution_flops,
    initialise,
    linear_flops,
    steps_of,
)

EPSILON = 0.01
"""A position halts where its scores come to 1 less this, as in the paper."""
SHARPNESS = 8.0
"""How steep the gating value is in what is left of a position's scores."""
FIRST_BIAS = -3.0
"""Of halting scores before training, so that no position halts early; as in the authors' code."""


class Sact(CountedNetwork):
    """Groups of residual units with adaptive computation time at each position.

    The first unit of a group changes the shape and is always computed everywhere. A later one is
    computed where a position's halting scores have not come to 1 - epsilon yet; its gating value
    there is sigmoid(sharpness (1 - epsilon - sum of scores so far)), at least 0.5 exactly there.
    Gates are ordered by group, unit and position, rows first.

    Args:
        classes: number of classes.
        widths: channels of each group.
        units: residual units of each group.
        stem: kernel and stride of the first convolution.
        size: side of the images that the costs are of until others come, in pixels.
    """

    def __init__(
        self,
        classes: int = 10,
        *,
        widths: tuple[int, ...] = (48, 96, 192),
        units: tuple[int, ...] = (4, 4, 4),
        stem: tuple[int, int] = (4, 4),
        size: int = 32,
    ) -> None:
        super().__init__()
        check_stages(widths, units)
        steps = iter(steps_of(widths, units))
        self.stem = Stem(widths[0], *stem)
        self.groups = nn.ModuleList(
            _Group([_Unit(*next(steps)) for _ in range(count)]) for count in units
        )
        self.norm = nn.BatchNorm2d(widths[-1])
        self.head = nn.Linear(widths[-1], classes)
        initialise(self)
        self._count((size, size))

    def forward(self, images: Tensor) -> Gated:
        self._count((images.shape[-2], images.shape[-1]))
        logits, gates, flops, _ = self._run(images)
        return Gated(logits, gates, flops)

    def _run(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Images to logits (N, classes), gating values (N, G), operations and ponder cost (N,)."""
        really = skipping(images)
        features = self.stem(images)
        gates: list[Tensor] = []
        flops = torch.full((len(images),), self._always, dtype=torch.float64, device=images.device)
        ponder = images.new_zeros(len(images))
        for group in self.groups:
            halted: _Halted = group(features, really)
            features = halted.features
            gates += halted.gates
            flops = flops + halted.flops
            ponder = ponder + halted.ponder
        pooled = functional.relu(self.norm(features)).mean(dim=(2, 3))
        told = torch.cat(gates, dim=1) if gates else images.new_zeros(len(images), 0)
        return self.head(pooled), told, flops, ponder

    def _costs(self, size: Size) -> Costs:
        always, size = convolution_flops(self.stem.conv, size)
        always += linear_flops(self.head)
        gates: list[float] = []
        for group in self.groups:
            assert isinstance(group, _Group)
            for number, unit in enumerate(group.units):
                assert isinstance(unit, _Unit)
                costs = unit.costs(size)
                size = costs.size
                places = size[0] * size[1]
                if number == 0:
                    always += costs.around + places * (costs.first + costs.rest) + costs.once
                else:
                    # What a unit costs once is spread over its positions.
                    each = costs.first + costs.rest + costs.once / places
                    gates += [each] * places
        return Costs(always, tuple(gates))

    def training_loss(self, images: Tensor, labels: Tensor, settings: dict[str, float]) -> Tensor:
        """Cross-entropy, and "ponder" (the paper's tau) times the ponder cost of all groups: N + R,
        the units that a position took and what they left to 1, in the mean over positions."""
        logits, _, _, ponder = self._run(images)
        loss = functional.cross_entropy(logits, labels)
        return loss + settings.get("ponder", 0.0) * ponder.mean()


class _Halted(NamedTuple):
    """What a group makes of features: its output (N, channels, H, W), gating values of its later
    units (N, H W each), operations of these (N,), float64, and ponder cost (N,)."""

    features: Tensor
    gates: list[Tensor]
    flops: Tensor
    ponder: Tensor


class _UnitCosts(NamedTuple):
    """Operations of a unit, and the size of what comes out.

    The first convolution is computed at the positions next to active ones too; the rest (the second
    and the halting score) at active ones; and some once, whatever is active.
    """

    first: float
    rest: float
    once: float
    around: float
    size: Size


class _Unit(nn.Module):
    """A residual unit that normalises first (He et al. 2016b), and its halting score.

    Args:
        channels: of what comes in.
        wide: of what goes out.
        stride: of the first convolution.
    """

    def __init__(self, channels: int, wide: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, wide, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(wide)
        self.conv2 = nn.Conv2d(wide, wide, 3, padding=1, bias=False)
        same = channels == wide and stride == 1
        self.projection = None if same else nn.Conv2d(channels, wide, 1, stride, bias=False)
        self.score: _Score | None = None

    def forward(self, features: Tensor) -> Tensor:
        """The whole unit, at every position."""
        around = features if self.projection is None else self.projection(features)
        joined: Tensor = around + self.residual(features)
        return joined

    def residual(self, features: Tensor) -> Tensor:
        """Without what goes around, at every position."""
        through = self.conv1(functional.relu(self.norm1(features)))
        found: Tensor = self.conv2(functional.relu(self.norm2(through)))
        return found

    def residual_at(self, features: Tensor, active: Tensor) -> Tensor:
        """The same at active positions only, 0 elsewhere.

        The first convolution is needed next to active positions as well, as in the authors' code.

        Args:
            features: (1, channels, H, W).
            active: (1, 1, H, W), 1 where active, else 0.
        """
        through = _convolve_at(self.conv1, functional.relu(self.norm1(features)), _around(active))
        return _convolve_at(self.conv2, functional.relu(self.norm2(through)), active)

    def costs(self, size: Size) -> _UnitCosts:
        around = 0.0
        if self.projection is not None:
            around, _ = convolution_flops(self.projection, size)
        _, smaller = convolution_flops(self.conv1, size)
        first = 2.0 * self.conv1.weight.numel()
        rest = 2.0 * self.conv2.weight.numel()
        once = 0.0
        if self.score is not None:
            rest += 2.0 * self.score.local.weight.numel()
            once = linear_flops(self.score.whole)
        return _UnitCosts(first, rest, once, around, smaller)


class _Score(nn.Module):
    """A halting score in [0, 1] at each position: sigmoid(W~ * x + W pool(x) + b).

    Features are normalised first, as in the authors' code. The last unit of a group has none: its
    score is 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.local = nn.Conv2d(channels, 1, 3, padding=1)
        self.whole = nn.Linear(channels, 1, bias=False)

    def forward(self, features: Tensor, active: Tensor | None = None) -> Tensor:
        """Features (N, channels, H, W) to scores (N, 1, H, W); only where active, if given;
        then N is 1."""
        normal = self.norm(features)
        whole = self.whole(normal.mean(dim=(2, 3)))[:, :, None, None]
        near = self.local(normal) if active is None else _convolve_at(self.local, normal, active)
        return torch.sigmoid(near + whole)


class _Group(nn.Module):
    """Residual units, of which each position takes as many as it needs (eqs. 1 to 9 are those of
    adaptive computation time for a whole image; here they hold at each position)."""

    def __init__(self, units: list[_Unit]) -> None:
        super().__init__()
        for unit in units[:-1]:
            unit.score = _Score(unit.conv2.out_channels)
        self.units = nn.ModuleList(units)

    def forward(self, features: Tensor, really: bool) -> _Halted:
        """The mean of units' outputs, weighted by each position's halting distribution: h_l for the
        units before the one where it halts, and there the remainder, what is left to 1.

        Args:
            features: (N, channels, H, W).
            really: whether halted positions are not computed; else they are, and masked.
        """
        gates: list[Tensor] = []
        flops = features.new_zeros(len(features), dtype=torch.float64)
        features = self.units[0](features)
        active = features.new_ones(len(features), 1, *features.shape[2:])
        total = torch.zeros_like(active)
        output = torch.zeros_like(features)
        ponder = torch.zeros_like(active)
        gate = active
        for number, unit in enumerate(self.units):
            assert isinstance(unit, _Unit)
            if number > 0:
                gates.append(gate.flatten(1))
                flops = flops + _spent(unit, active)
                features = _advance(unit, features, active, really)
            score, gate, going_on = self._decide(unit, features, active, total, really)
            # Where a position halts, the remainder takes the place of the score.
            left = 1 - total
            output = output + (going_on * score + (active - going_on) * left) * features
            ponder = ponder + active + (active - going_on) * left
            total = total + active * score
            active = going_on
        return _Halted(output, gates, flops, ponder.mean(dim=(1, 2, 3)))

    @staticmethod
    def _decide(
        unit: _Unit, features: Tensor, active: Tensor, total: Tensor, really: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        """A unit's halting scores, the gating values of the next, and where positions go on; each
        (N, 1, H, W)."""
        if unit.score is None or (really and not bool(active.any())):
            left = torch.sigmoid(SHARPNESS * (1 - EPSILON - total))
            return torch.ones_like(total), left, torch.zeros_like(active)
        score = unit.score(features, active if really else None)
        gate = torch.sigmoid(SHARPNESS * (1 - EPSILON - total - active * score))
        return score, gate, active * (gate >= THRESHOLD).to(active.dtype)


def _advance(unit: _Unit, features: Tensor, active: Tensor, really: bool) -> Tensor:
    """Features after a unit: halted positions keep theirs."""
    if not really:
        return features + active * unit.residual(features)
    if not bool(active.any()):
        return features
    return features + unit.residual_at(features, active)


def _spent(unit: _Unit, active: Tensor) -> Tensor:
    """(N,), float64, operations of a unit that is computed where active (N, 1, H, W)."""
    height, width = active.shape[2:]
    costs = unit.costs((height, width))
    here, near = (mask.double().sum(dim=(1, 2, 3)) for mask in (active, _around(active)))
    once = costs.once * (here > 0).double()
    return near * costs.first + here * costs.rest + once


def _around(active: Tensor) -> Tensor:
    """Active positions and their neighbours, as a 3 x 3 convolution reads them; (N, 1, H, W)."""
    with torch.no_grad():
        return functional.max_pool2d(active, 3, stride=1, padding=1)


def _convolve_at(layer: nn.Conv2d, features: Tensor, active: Tensor) -> Tensor:
    """A 3 x 3 convolution at some positions only: what they see is gathered, and multiplied.

    Args:
        layer: of stride 1, padded by 1.
        features: (1, channels, H, W).
        active: (1, 1, H, W), 1 where it is to be computed, else 0.

    Returns:
        (1, out channels, H, W), 0 where it was not computed.
    """
    height, width = features.shape[2:]
    places = active.flatten().nonzero().flatten()
    padded = functional.pad(features[0], (1, 1, 1, 1)).flatten(1)
    across = width + 2
    corner = torch.div(places, width, rounding_mode="floor") * across + places % width
    steps = torch.arange(3, device=places.device)
    seen = corner + (steps[:, None] * across + steps).flatten()[:, None]  # (9, positions)
    columns = padded[:, seen].flatten(0, 1)  # (channels * 9, positions)
    computed = layer.weight.flatten(1) @ columns
    if layer.bias is not None:
        computed = computed + layer.bias[:, None]
    found = features.new_zeros(len(computed), height * width)
    found[:, places] = computed
    return found.reshape(1, -1, height, width)
