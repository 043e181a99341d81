"""The classifiers by name, with what makes each and its recipes. Imports no torch.

Recipes for photographs are those of Dhillon et al. 2018, section 4.1; for digits, the same means in
as many epochs as these need.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.models.trained.catalogue import Network
from adapters.models.trained.recipes import Falls, Mixture, Recipe, Stage

_RESNET = "adapters.models.classifiers.resnet:ResNet"
_SOURCE = "He et al. 2016"
_DIGITS_SIZE = 16
"""Digits are enlarged from 8 pixels; half of that costs a quarter of the operations."""
_BATCH = 512
_MIXTURE = Mixture(share=0.2, strength=2)


def _on_photographs(epochs: int, falls: Falls, mixture: Mixture | None = None) -> Recipe:
    stage = Stage("training", epochs, 0.5, weight_decay=1e-4, falls=falls)
    return Recipe((stage,), batch=_BATCH, mixture=mixture)


def _on_digits(
    epochs: int, rate: float = 0.1, batch: int = 32, mixture: Mixture | None = None
) -> Recipe:
    stage = Stage("training", epochs, rate, weight_decay=1e-4)
    return Recipe((stage,), batch=batch, mixture=mixture)


_WITH_DROPOUT = _on_photographs(250, Falls(after=(100, 150, 190, 220)))

NETWORKS: Mapping[str, Network] = {
    "resnet20": Network(
        _RESNET,
        _SOURCE,
        digits=_on_digits(8),
        photographs=_on_photographs(150, Falls(after=(100, 130))),
        digits_size=_DIGITS_SIZE,
    ),
    "resnet20_dropout_10": Network(
        _RESNET,
        f"{_SOURCE}, dropout of 0.1 behind each ReLU",
        digits=_on_digits(12),
        photographs=_WITH_DROPOUT,
        arguments={"dropout": 0.1},
        digits_size=_DIGITS_SIZE,
    ),
    "resnet20_dropout_30": Network(
        _RESNET,
        f"{_SOURCE}, dropout of 0.3 behind each ReLU",
        digits=_on_digits(40, rate=0.2, batch=16),
        photographs=_WITH_DROPOUT,
        arguments={"dropout": 0.3},
        digits_size=_DIGITS_SIZE,
    ),
    "resnet20_adversarial": Network(
        _RESNET,
        f"{_SOURCE}, a fifth of the images by FGSM",
        digits=_on_digits(8, mixture=_MIXTURE),
        photographs=_on_photographs(100, Falls(after=tuple(range(10, 100, 10)), by=0.5), _MIXTURE),
        digits_size=_DIGITS_SIZE,
    ),
}
"""Every one, by the name that --models takes."""
