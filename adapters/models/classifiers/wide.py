"""Wide ResNets (Zagoruyko and Komodakis 2016), for images of CIFAR's size."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from adapters.models.classifiers.parts import draw, rectifier
from adapters.models.trained.base import Classifier

CHANNELS = (16, 32, 64)
"""Of each group, where it is not widened; the first is the stem's, too."""


class WideResNet(Classifier):
    """Their table 1: a convolution, three groups of units, batch norm, a linear layer.

    Args:
        classes: number of classes.
        units: residual units in each of the three groups; 4 make a WRN-28.
        width: how many times wider than a ResNet's 16, 32 and 64 channels.
        dropout: rate of the dropout between a unit's convolutions in train mode (section 3.3).

    Raises:
        ValueError: it can't be made of these.
    """

    def __init__(self, classes: int, *, units: int, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        if min(units, width) < 1 or not 0 <= dropout < 1:
            raise ValueError(f"units {units}, width {width}, dropout {dropout}")
        self.stem = nn.Conv2d(3, CHANNELS[0], 3, padding=1, bias=False)
        self.groups = nn.Sequential(*_units(units, width, dropout))
        self.norm = nn.BatchNorm2d(CHANNELS[-1] * width)
        self.relu = rectifier()
        self.head = nn.Linear(CHANNELS[-1] * width, classes)
        draw(self)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [0, 1] to logits (N, classes)."""
        features = self.relu(self.norm(self.groups(self.stem(images))))
        logits: Tensor = self.head(features.mean(dim=(2, 3)))
        return logits


class Unit(nn.Module):
    """Normalise, rectify, convolve, twice; the shortcut starts after the first rectification where
    the shape changes.

    Args:
        channels: of what comes in.
        wide: of what goes out.
        stride: of the first convolution.
        dropout: as `WideResNet` has it.
    """

    def __init__(self, channels: int, wide: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.relu1 = rectifier()
        self.conv1 = nn.Conv2d(channels, wide, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(wide)
        self.relu2 = rectifier(dropout)
        self.conv2 = nn.Conv2d(wide, wide, 3, padding=1, bias=False)
        same = channels == wide and stride == 1
        self.shortcut = None if same else nn.Conv2d(channels, wide, 1, stride, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        rectified = self.relu1(self.norm1(features))
        around = features if self.shortcut is None else self.shortcut(rectified)
        through = self.conv2(self.relu2(self.norm2(self.conv1(rectified))))
        joined: Tensor = around + through
        return joined


def _units(units: int, width: int, dropout: float) -> Iterator[Unit]:
    before = CHANNELS[0]
    for group, channels in enumerate(CHANNELS):
        for unit in range(units):
            yield Unit(before, channels * width, 2 if group and not unit else 1, dropout)
            before = channels * width
