"""Models as a user might name them, good and bad, for `doctor --model`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

trained = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(1), nn.LazyLinear(5))
size = 32


def for_images() -> nn.Module:
    print("chatter on stdout")
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def for_text() -> nn.Module:
    return nn.Embedding(5, 3)


class KeepsATensor(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 1, 1))
        self.doubled = self.weight * 2

    def forward(self, images: Tensor) -> Tensor:
        return images * self.doubled


class Gray(nn.Module):
    """Says what it takes, and gives its parameters their shapes late."""

    input_shape = (1, 28, 28)

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.LazyLinear(5))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)  # type: ignore[no-any-return]


def for_small_images() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(1 * 28 * 28, 5))


class Ensemble(nn.Module):
    """Its networks are in a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.models = [nn.Conv2d(3, 4, 3) for _ in range(2)]

    def forward(self, images: Tensor) -> Tensor:
        return torch.stack([model(images) for model in self.models]).mean(0)


class Cut(nn.Conv2d):
    """No gradient comes through."""

    def __init__(self) -> None:
        super().__init__(3, 4, 3)

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images.detach())


class ThroughNumpy(nn.Flatten):
    """Leaves torch on its way to the logits."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.from_numpy(super().forward(images).numpy())


def frozen() -> nn.Module:
    return nn.Conv2d(3, 4, 3).requires_grad_(False)


def in_parallel() -> nn.Module:
    return nn.DataParallel(nn.Conv2d(3, 4, 3))


def falls_over() -> nn.Module:
    raise ValueError("no weights\nhere")
