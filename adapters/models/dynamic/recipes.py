"""How a dynamic network is trained: stages of epochs. Pure; a digest names what comes of one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Stage:
    """Some epochs with one loss.

    Attributes:
        name: in words, for progress.
        epochs: how many.
        rate: the learning rate, at its highest.
        optimizer: "sgd", with momentum 0.9, or "adam".
        weight_decay: of the optimizer.
        settings: of the network's loss, by name.
    """

    name: str
    epochs: int
    rate: float
    optimizer: Literal["sgd", "adam"] = "sgd"
    weight_decay: float = 5e-4
    settings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """A whole training.

    Attributes:
        stages: one after the other, each from where the last one ended.
        batch: images of a minibatch.
        adversarial: radius of the L-infinity ball of the adversarial images that it is trained on
            (Madry et al. 2018), on images in [0, 1]; 0 for clean ones.
        version: raised when a network's code changes what a recipe makes.
    """

    stages: tuple[Stage, ...]
    batch: int = 64
    adversarial: float = 0.0
    version: int = 1

    @property
    def epochs(self) -> int:
        """Of all stages."""
        return sum(stage.epochs for stage in self.stages)

    def digest(self, network: str, data: str, classes: int, seed: int) -> str:
        """A short name for the weights that it makes.

        Args:
            network: its name in the catalogue.
            data: what it is trained on.
            classes: number of classes.
            seed: of weights and data order.
        """
        told = {
            "recipe": asdict(self),
            "network": network,
            "data": data,
            "classes": classes,
            "seed": seed,
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
