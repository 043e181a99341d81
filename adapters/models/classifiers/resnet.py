"""The ResNets of He et al. 2016 for small images: those of section 4.2, and what section 4.1 has of
two layers a block, with a smaller stem."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional

from adapters.models.classifiers.parts import draw, rectifier
from adapters.models.trained.base import Classifier


class ResNet(Classifier):
    """A convolution, stages of n blocks of two, a linear layer: with three stages 6n + 2 layers.

    Each stage but the first halves the size and doubles the channels. Every ReLU is a module of its
    own, so that what is done to activations can be put behind it from outside.

    Args:
        classes: number of classes.
        units: n, blocks of each stage; 3 make a ResNet-20.
        width: channels of the first stage.
        dropout: rate of the dropout behind each ReLU in train mode; in eval mode nothing is
            dropped.
        stages: how many.
        projected: whether shortcuts where the shape changes are convolutions of 1×1 with batch norm
            (option B), or have no parameters (option A).

    Raises:
        ValueError: it can't be made of these.
    """

    def __init__(
        self,
        classes: int,
        *,
        units: int = 3,
        width: int = 16,
        dropout: float = 0.0,
        stages: int = 3,
        projected: bool = False,
    ) -> None:
        super().__init__()
        if min(units, width, stages) < 1 or not 0 <= dropout < 1:
            raise ValueError(f"units {units}, width {width}, dropout {dropout}, stages {stages}")
        self.conv = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.relu = rectifier(dropout)
        shapes = _shapes(units, width, stages)
        self.blocks = nn.Sequential(*(Block(*shape, dropout, projected) for shape in shapes))
        self.head = nn.Linear(width * 2 ** (stages - 1), classes)
        draw(self)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [0, 1] to logits (N, classes)."""
        features = self.blocks(self.relu(self.norm(self.conv(images))))
        logits: Tensor = self.head(features.mean(dim=(2, 3)))
        return logits


class Block(nn.Module):
    """He et al. 2016, figure 2: two convolutions, and what goes around them.

    Args:
        channels: of what comes in.
        wide: of what goes out.
        stride: of the first convolution.
        dropout, projected: as `ResNet` has them.
    """

    def __init__(
        self, channels: int, wide: int, stride: int, dropout: float, projected: bool = False
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, wide, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(wide)
        self.relu1 = rectifier(dropout)
        self.conv2 = nn.Conv2d(wide, wide, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(wide)
        self.relu2 = rectifier(dropout)
        self.stride, self.added = stride, wide - channels
        self.projection: nn.Module | None = None
        if projected and (stride > 1 or self.added):
            self.projection = nn.Sequential(
                nn.Conv2d(channels, wide, 1, stride, bias=False), nn.BatchNorm2d(wide)
            )

    def forward(self, features: Tensor) -> Tensor:
        through = self.relu1(self.norm1(self.conv1(features)))
        joined: Tensor = self.norm2(self.conv2(through)) + self.shortcut(features)
        found: Tensor = self.relu2(joined)
        return found

    def shortcut(self, features: Tensor) -> Tensor:
        """The same; or projected; or every second row and column, with channels of zeros added."""
        if self.projection is not None:
            projected: Tensor = self.projection(features)
            return projected
        if self.stride > 1:
            features = features[:, :, :: self.stride, :: self.stride]
        if self.added:
            features = functional.pad(features, (0, 0, 0, 0, 0, self.added))
        return features


def _shapes(units: int, width: int, stages: int) -> Iterator[tuple[int, int, int]]:
    """Channels that come in and go out, and the stride, of each block."""
    channels = width
    for stage in range(stages):
        for unit in range(units):
            wide = width * 2**stage
            yield channels, wide, 2 if stage and not unit else 1
            channels = wide
