"""VGG networks (Simonyan and Zisserman 2015) with batch norm, for small images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from adapters.models.classifiers.parts import draw, rectifier
from adapters.models.trained.base import Classifier

LAST = 0.01
"""Standard deviation of the linear layer's weights, as the paper has it (section 3.1)."""


class Vgg(Classifier):
    """Groups of 3×3 convolutions without bias, each with batch norm and a ReLU; pooling between
    groups; one linear layer of the mean over what is left of the image.

    Args:
        classes: number of classes.
        widths: channels of each group's convolutions.
        units: convolutions of each group; these and as many widths make a VGG-16, whose two other
            layers of weights are left out with images so small.

    Raises:
        ValueError: it can't be made of these.
    """

    def __init__(
        self,
        classes: int,
        *,
        widths: Sequence[int] = (64, 128, 256, 512, 512),
        units: Sequence[int] = (2, 2, 3, 3, 3),
    ) -> None:
        super().__init__()
        if not units or len(widths) != len(units) or min(*widths, *units) < 1:
            raise ValueError(f"widths {tuple(widths)}, units {tuple(units)}")
        self.features = nn.Sequential(*_layers(widths, units))
        self.head = nn.Linear(widths[-1], classes)
        draw(self, "fan_in")
        nn.init.normal_(self.head.weight, std=LAST)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [0, 1] to logits (N, classes); a side is at least 2 to the power
        of the groups but one."""
        logits: Tensor = self.head(self.features(images).mean(dim=(2, 3)))
        return logits


def _layers(widths: Sequence[int], units: Sequence[int]) -> Iterator[nn.Module]:
    channels = 3
    for group, (wide, count) in enumerate(zip(widths, units, strict=True)):
        if group:
            yield nn.MaxPool2d(2)
        for _ in range(count):
            yield nn.Conv2d(channels, wide, 3, padding=1, bias=False)
            yield nn.BatchNorm2d(wide)
            yield rectifier()
            channels = wide
