"""Models as users build them, that can be measured and that can't, for `--models`."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional


class Small(nn.Module):
    """Images (N, channels, H, W) to logits (N, classes)."""

    def __init__(self, channels: int = 3, classes: int = 12) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, classes)

    def features(self, images: Tensor) -> Tensor:
        return functional.relu(self.norm(self.convolution(images))).mean(dim=(2, 3))

    def logits(self, images: Tensor) -> Tensor:
        found: Tensor = self.head(self.features(images))
        return found

    def forward(self, images: Tensor) -> object:
        return self.logits(images)


class Grey(Small):
    input_shape = (1, 28, 28)

    def __init__(self) -> None:
        super().__init__(channels=1)


class Flat(Small):
    input_shape = (28, 28)


class LikeTimm(Small):
    default_cfg = {"input_size": (3, 40, 48)}  # noqa: RUF012 - as timm has it


@dataclasses.dataclass
class Config:
    image_size: int = 32
    num_channels: int = 3


@dataclasses.dataclass
class ImageClassifierOutput(OrderedDict):  # type: ignore[type-arg]
    """Looks like Hugging Face's: a dataclass, and a mapping of what is not None."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None:
                self[field.name] = value


class LikeHuggingFace(Small):
    def __init__(self) -> None:
        super().__init__()
        self.config = Config()

    def forward(self, images: Tensor) -> object:
        return ImageClassifierOutput(logits=self.logits(images))


class WithFeatures(Small):
    def forward(self, images: Tensor) -> object:
        features = self.features(images)
        return self.head(features), features


class InADict(Small):
    def forward(self, images: Tensor) -> object:
        return {"loss": None, "out": self.logits(images)}


@dataclasses.dataclass
class Scored:
    maps: Tensor
    scores: Tensor


class InADataclass(Small):
    def forward(self, images: Tensor) -> object:
        return Scored(self.convolution(images), self.logits(images))


class WithoutGradients(Small):
    @torch.no_grad()
    def forward(self, images: Tensor) -> object:
        return self.logits(images)


class Inferring(Small):
    @torch.inference_mode()
    def forward(self, images: Tensor) -> object:
        return self.logits(images)


class Detached(Small):
    def forward(self, images: Tensor) -> object:
        return self.logits(images).detach()


class DetachedBefore(Small):
    def forward(self, images: Tensor) -> object:
        return self.logits(images.detach())


class ThroughNumpy(Small):
    def forward(self, images: Tensor) -> object:
        return self.logits(torch.from_numpy(images.numpy()))


class OfIntegers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(2, 4)

    def forward(self, images: Tensor) -> object:
        return self.embedding(images).flatten(1, -2).mean(1)


class OneValue(Small):
    def __init__(self) -> None:
        super().__init__(classes=1)


class Decided(Small):
    def forward(self, images: Tensor) -> object:
        return self.logits(images).argmax(1)


class Maps(Small):
    def forward(self, images: Tensor) -> object:
        return self.convolution(images)


class NotANumber(Small):
    def forward(self, images: Tensor) -> object:
        return self.logits(images) * float("nan")


class Silent(Small):
    def forward(self, images: Tensor) -> object:
        return None


instance = Small()


def partly_frozen() -> nn.Module:
    """As adapters leave a model: what was there before stays frozen."""
    model = Small()
    model.convolution.requires_grad_(False)
    return model


def frozen() -> nn.Module:
    return Small().requires_grad_(False)


def without_values() -> nn.Module:
    return Small().to("meta")


def parallel() -> nn.Module:
    return nn.DataParallel(Small())


def prints() -> nn.Module:
    print("chatter")
    return Small()


def falls_over() -> nn.Module:
    raise ValueError("no weights\nhere")


def exits() -> nn.Module:
    raise SystemExit(3)


def of_classes(classes: int) -> nn.Module:
    return Small(classes=classes)


def a_class() -> type:
    return Small


def step(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """An attack on logits."""
    moved = images.clone().requires_grad_()
    functional.cross_entropy(model(moved), labels).backward()
    assert moved.grad is not None
    return (images + 0.03 * moved.grad.sign()).clamp(0, 1)


def step_on_output(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """An attack on what Hugging Face's models return."""
    moved = images.clone().requires_grad_()
    functional.cross_entropy(model(moved).logits, labels).backward()
    assert moved.grad is not None
    return (images + 0.03 * moved.grad.sign()).clamp(0, 1)
