"""Networks for images of 3×32×32, as the papers on adversarial training use them.

Wide ResNets (Zagoruyko and Komodakis 2016) and ResNets with a 3×3 stem (He et al. 2016, section
4.2); timm has neither.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from adapters.models import catalogue

SIZE = 32
"""Side of the images, in pixels."""


def build(name: str, classes: int | None) -> nn.Module:
    """Build one by its name, with weights from torch's current random state.

    Args:
        name: one that `catalogue.own` knows.
        classes: number of classes; 10 if None.
    """
    parsed = catalogue.own(name)
    assert parsed is not None  # the caller has asked
    if isinstance(parsed, catalogue.WideResNetSize):
        return WideResNet(parsed.units, parsed.width, classes or 10)
    import timm

    model: Any = timm.create_model(parsed.timm_name, num_classes=classes or 10)
    model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    model.maxpool = nn.Identity()
    found: nn.Module = model
    return found


class WideResNet(nn.Module):
    """Zagoruyko and Komodakis 2016, table 1, without dropout: images (N, 3, H, W) to logits.

    Args:
        units: residual units in each of the three groups.
        width: how many times wider than a ResNet's 16, 32 and 64 channels.
        classes: number of classes.
    """

    def __init__(self, units: int, width: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        channels = 16
        groups: list[nn.Module] = []
        for wide, stride in ((16 * width, 1), (32 * width, 2), (64 * width, 2)):
            for unit in range(units):
                groups.append(_Unit(channels, wide, stride if unit == 0 else 1))
                channels = wide
        self.groups = nn.Sequential(*groups)
        self.norm = nn.BatchNorm2d(channels)
        self.head = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        features = functional.relu(self.norm(self.groups(self.stem(images))))
        logits: Tensor = self.head(features.mean(dim=(2, 3)))
        return logits


class _Unit(nn.Module):
    """Normalise, rectify, convolve, twice; the shortcut starts after the first rectification where
    the shape changes."""

    def __init__(self, channels: int, wide: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, wide, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(wide)
        self.conv2 = nn.Conv2d(wide, wide, 3, padding=1, bias=False)
        same = channels == wide and stride == 1
        self.shortcut = None if same else nn.Conv2d(channels, wide, 1, stride, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        rectified = functional.relu(self.norm1(features))
        around = features if self.shortcut is None else self.shortcut(rectified)
        through = self.conv2(functional.relu(self.norm2(self.conv1(rectified))))
        joined: Tensor = around + through
        return joined
