"""Parts that dynamic convolutional networks share: stem, residual block, and what they cost."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from adapters.models.dynamic.base import DynamicNetwork

Size = tuple[int, int]
"""Height and width, of images or features."""


@dataclass(frozen=True)
class Costs:
    """Operations of a network for one image of some size.

    Attributes:
        always: what every image costs.
        gates: what each gate's unit adds.
    """

    always: float
    gates: tuple[float, ...]

    @property
    def static(self) -> float:
        """With every gate on; whole, whatever units share."""
        return float(round(self.always + sum(self.gates)))


class CountedNetwork(DynamicNetwork):
    """A network that takes images of any size, and knows what they cost.

    `gate_flops` and `static_flops` are of the images that came last; before any, of those that it
    was made for.
    """

    def __init__(self) -> None:
        super().__init__()
        self._counted: Size | None = None

    @abstractmethod
    def _costs(self, size: Size) -> Costs:
        """Of one image of a size."""

    def _count(self, size: Size) -> None:
        """Know the costs of images of a size."""
        if size != self._counted:
            costs = self._costs(size)
            # No buffer: whoever casts the network's weights would cast it too.
            self.gate_flops = torch.tensor(costs.gates, dtype=torch.float64)
            self.static_flops = costs.static
            self._always = costs.always
            self._counted = size

    def _executed(self, on: Tensor) -> Tensor:
        """(N,), what images cost with the gates (N, G) that are on, where gates' costs add up."""
        if self.gate_flops.device != on.device:
            self.gate_flops = self.gate_flops.to(on.device)
        return self._always + (on * self.gate_flops).sum(dim=1)


def convolution_flops(layer: nn.Conv2d, size: Size) -> tuple[float, Size]:
    """What a convolution of features of a size costs one image, and the size that comes out."""
    assert not isinstance(layer.padding, str)
    height, width = (
        (side + 2 * pad - kernel) // stride + 1
        for side, pad, kernel, stride in zip(
            size, layer.padding, layer.kernel_size, layer.stride, strict=True
        )
    )
    return 2.0 * height * width * layer.weight.numel(), (height, width)


def linear_flops(layer: nn.Linear) -> float:
    """What a linear layer costs one image."""
    return 2.0 * layer.weight.numel()


class Stem(nn.Module):
    """Images (N, 3, H, W) to features (N, channels, H / stride, W / stride).

    Args:
        channels: of the features.
        kernel: side of the kernel.
        stride: of the convolution.
    """

    def __init__(self, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, channels, kernel, stride, (kernel - stride) // 2, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, images: Tensor) -> Tensor:
        return functional.relu(self.norm(self.conv(images)))


class Residual(nn.Module):
    """He et al. 2016, figure 2, with a projection where the shape changes (their option B).

    Args:
        channels: of what comes in.
        wide: of what goes out.
        stride: of the first convolution.
    """

    def __init__(self, channels: int, wide: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, wide, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(wide)
        self.conv2 = nn.Conv2d(wide, wide, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(wide)
        self.projection: nn.Sequential | None = None
        if channels != wide or stride != 1:
            self.projection = nn.Sequential(
                nn.Conv2d(channels, wide, 1, stride, bias=False), nn.BatchNorm2d(wide)
            )

    def shortcut(self, features: Tensor) -> Tensor:
        """What goes around the convolutions."""
        if self.projection is None:
            return features
        projected: Tensor = self.projection(features)
        return projected

    def forward(self, features: Tensor, around: Tensor) -> Tensor:
        """Features, and their shortcut, to what the block makes of them."""
        through = functional.relu(self.norm1(self.conv1(features)))
        return functional.relu(self.norm2(self.conv2(through)) + around)

    def flops(self, size: Size) -> tuple[float, float, Size]:
        """What its convolutions and its shortcut cost one image, and the size that comes out."""
        first, smaller = convolution_flops(self.conv1, size)
        second, _ = convolution_flops(self.conv2, smaller)
        around = 0.0
        if self.projection is not None:
            projection = self.projection[0]
            assert isinstance(projection, nn.Conv2d)
            around, _ = convolution_flops(projection, size)
        return first + second, around, smaller


def steps_of(widths: tuple[int, ...], units: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Channels in, channels out and stride of each block, in stages that halve the size.

    Args:
        widths: channels of each stage; the first is the stem's too.
        units: blocks of each stage.
    """
    found = []
    channels = widths[0]
    for stage, (wide, count) in enumerate(zip(widths, units, strict=True)):
        for unit in range(count):
            found.append((channels, wide, 2 if stage > 0 and unit == 0 else 1))
            channels = wide
    return found


def initialise(network: nn.Module) -> None:
    """Weights of convolutions as He et al. 2015 draw them, from torch's current random state."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def check_stages(widths: tuple[int, ...], units: tuple[int, ...]) -> None:
    """Whether a network can be made of these stages.

    Raises:
        ValueError: it can't.
    """
    if len(widths) != len(units) or not units or min(*widths, *units, 1) < 1:
        raise ValueError(f"stages of widths {widths} and units {units}: give one of each, from 1")
