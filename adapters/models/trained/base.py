"""What every network is that a recipe trains: a module that knows its loss."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn
from torch.nn import functional


class Trainable(nn.Module, ABC):
    """Images (N, 3, H, W) in [0, 1] to logits, or to an output that has them."""

    @abstractmethod
    def training_loss(self, images: Tensor, labels: Tensor, settings: dict[str, float]) -> Tensor:
        """What a stage of its recipe descends, in train mode.

        Args:
            images: (N, 3, H, W), in [0, 1].
            labels: (N,), class numbers.
            settings: of the stage, as `adapters.models.trained.recipes.Stage` has them, with
                "share", how much of the stage is done, from 0 to 1.

        Returns:
            a scalar.
        """

    @abstractmethod
    def judged(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits (N, classes), and (N,) which share of the operations of the whole network each
        image costs; None of a network that executes everything."""


class Classifier(Trainable):
    """Images (N, 3, H, W) in [0, 1] to logits (N, classes), trained on cross-entropy; it executes
    everything for every image."""

    def training_loss(self, images: Tensor, labels: Tensor, settings: dict[str, float]) -> Tensor:
        return functional.cross_entropy(self(images), labels)

    def judged(self, images: Tensor) -> tuple[Tensor, None]:
        return self(images), None
