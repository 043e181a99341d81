"""How a network is trained: stages of epochs. Pure; a digest names what comes of one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Loss = Literal["trades", "mart"]
METHODS: Mapping[str, Loss | None] = {
    "natural": None,
    "pgd": None,
    "trades": "trades",
    "mart": "mart",
}
"""What a network can be trained by in the place of what the catalogue says, with its loss: clean
images, and adversarial ones as Madry et al. 2018, Zhang et al. 2019 (TRADES) and Wang et al. 2020
(MART) have them."""


@dataclass(frozen=True)
class Falls:
    """A learning rate that stays as it is, and falls at once after some epochs.

    Attributes:
        after: epochs of the stage after which it does; none where it never does.
        by: what it is multiplied with each time.
    """

    after: tuple[int, ...] = ()
    by: float = 0.1

    def share(self, epoch: int) -> float:
        """Of the first rate, in an epoch of the stage, counted from 0."""
        return self.by ** sum(epoch >= after for after in self.after)


@dataclass(frozen=True)
class Mixture:
    """Adversarial images among clean ones, made by FGSM (Goodfellow et al. 2015) on the network as
    it was when the epoch began.

    Attributes:
        share: of the images, from 0 to 1.
        strength: λ, radius of the L-infinity ball on a scale of 0 to 255.
    """

    share: float
    strength: float


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
        falls: how the rate moves; None where it rises in a straight line and falls again.
    """

    name: str
    epochs: int
    rate: float
    optimizer: Literal["sgd", "adam"] = "sgd"
    weight_decay: float = 5e-4
    settings: Mapping[str, float] = field(default_factory=dict)
    falls: Falls | None = None


@dataclass(frozen=True)
class Recipe:
    """A whole training.

    Attributes:
        stages: one after the other, each from where the last one ended.
        batch: images of a minibatch.
        adversarial: radius of the L-infinity ball of the adversarial images that it is trained on
            (Madry et al. 2018), on images in [0, 1]; 0 for clean ones.
        version: raised when a network's code changes what a recipe makes.
        mixture: adversarial images of which only some are trained on; None for none.
        loss: of clean and adversarial images together, one of `adapters.losses`; None for the
            network's own, of the images that it is trained on.
    """

    stages: tuple[Stage, ...]
    batch: int = 64
    adversarial: float = 0.0
    version: int = 1
    mixture: Mixture | None = None
    loss: Loss | None = None

    @property
    def epochs(self) -> int:
        """Of all stages."""
        return sum(stage.epochs for stage in self.stages)

    def by(self, method: str, radius: float) -> Recipe:
        """The same stages by another method.

        Args:
            method: one of METHODS.
            radius: of the ball, where this recipe has none.

        Raises:
            ValueError: there is no such method.
        """
        if method not in METHODS:
            raise ValueError(method)
        around = 0.0 if method == "natural" else self.adversarial or radius
        return replace(self, adversarial=around, mixture=None, loss=METHODS[method])

    def digest(self, network: str, data: str, classes: int, seed: int) -> str:
        """A short name for the weights that it makes.

        Args:
            network: its name in the catalogue.
            data: what it is trained on.
            classes: number of classes.
            seed: of weights and data order.
        """
        told = {
            "recipe": asdict(self, dict_factory=_told),
            "network": network,
            "data": data,
            "classes": classes,
            "seed": seed,
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _told(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """Without what is None: a field that came later leaves the digests of those without it."""
    return {name: value for name, value in items if value is not None}
