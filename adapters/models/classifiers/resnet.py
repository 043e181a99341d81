"""The ResNets of He et al. 2016, section 4.2, for images of CIFAR's size."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional

from adapters.models.trained.base import Trainable

STAGES = 3
"""Each but the first halves the size and doubles the channels."""


class ResNet(Trainable):
    """6n + 2 layers: a convolution, three stages of n blocks, a linear layer.

    Shortcuts have no parameters (option A): where the shape changes they take every second row and
    column, and channels of zeros are added. Every ReLU is a module of its own, so that what is done
    to activations can be put behind it from outside.

    Args:
        classes: number of classes.
        units: n, blocks of each stage; 3 make a ResNet-20.
        width: channels of the first stage.
        dropout: rate of the dropout behind each ReLU in train mode; in eval mode nothing is
            dropped.

    Raises:
        ValueError: it can't be made of these.
    """

    def __init__(
        self, classes: int, *, units: int = 3, width: int = 16, dropout: float = 0.0
    ) -> None:
        super().__init__()
        if min(units, width) < 1 or not 0 <= dropout < 1:
            raise ValueError(f"units {units}, width {width}, dropout {dropout}")
        self.conv = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.relu = rectifier(dropout)
        self.blocks = nn.Sequential(*_blocks(units, width, dropout))
        self.head = nn.Linear(width * 2 ** (STAGES - 1), classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # as He et al. 2015 draw them
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [0, 1] to logits (N, classes)."""
        features = self.blocks(self.relu(self.norm(self.conv(images))))
        logits: Tensor = self.head(features.mean(dim=(2, 3)))
        return logits

    def training_loss(self, images: Tensor, labels: Tensor, settings: dict[str, float]) -> Tensor:
        return functional.cross_entropy(self(images), labels)

    def judged(self, images: Tensor) -> tuple[Tensor, None]:
        return self(images), None


class Block(nn.Module):
    """He et al. 2016, figure 2: two convolutions, and what goes around them.

    Args:
        channels: of what comes in.
        wide: of what goes out.
        stride: of the first convolution.
        dropout: as `ResNet` has it.
    """

    def __init__(self, channels: int, wide: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, wide, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(wide)
        self.relu1 = rectifier(dropout)
        self.conv2 = nn.Conv2d(wide, wide, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(wide)
        self.relu2 = rectifier(dropout)
        self.stride, self.added = stride, wide - channels

    def forward(self, features: Tensor) -> Tensor:
        through = self.relu1(self.norm1(self.conv1(features)))
        joined: Tensor = self.norm2(self.conv2(through)) + self.shortcut(features)
        found: Tensor = self.relu2(joined)
        return found

    def shortcut(self, features: Tensor) -> Tensor:
        """Option A: the same, or every second row and column with channels of zeros added."""
        if self.stride > 1:
            features = features[:, :, :: self.stride, :: self.stride]
        if self.added:
            features = functional.pad(features, (0, 0, 0, 0, 0, self.added))
        return features


def rectifier(dropout: float) -> nn.Module:
    """A ReLU, with dropout behind it where it has a rate (Dhillon et al. 2018, section 4.1.2)."""
    return nn.Sequential(nn.ReLU(), nn.Dropout(dropout)) if dropout else nn.ReLU()


def _blocks(units: int, width: int, dropout: float) -> Iterator[Block]:
    channels = width
    for stage in range(STAGES):
        for unit in range(units):
            wide = width * 2**stage
            yield Block(channels, wide, 2 if stage and not unit else 1, dropout)
            channels = wide
