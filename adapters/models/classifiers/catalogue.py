"""The classifiers by name, with what makes each and its recipes. Imports no torch.

Recipes for photographs are those of Dhillon et al. 2018, section 4.1; for what is pruned, those of
the code of Lee et al. 2022. For digits, they are the same means in as many epochs as these need.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.data import DIGITS, facts
from adapters.models.trained.catalogue import Network
from adapters.models.trained.recipes import Falls, Mixture, Recipe, Stage

_RESNET = "adapters.models.classifiers.resnet:ResNet"
_VGG = "adapters.models.classifiers.vgg:Vgg"
_WIDE = "adapters.models.classifiers.wide:WideResNet"
_SOURCE = "He et al. 2016"
_SOURCE_VGG = "Simonyan and Zisserman 2015, with batch norm"
_SOURCE_WIDE = "Zagoruyko and Komodakis 2016"
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


def _robust_on_digits(epochs: int) -> Recipe:
    stage = Stage("adversarial training", epochs, 0.1, weight_decay=2e-4)
    return Recipe((stage,), batch=32, adversarial=facts(DIGITS).eps)


_ROBUST = Recipe(
    (Stage("adversarial training", 60, 0.1, weight_decay=2e-4, falls=Falls(after=(30, 45))),),
    batch=128,
    adversarial=0.03,
)
"""The authors begin with a network that was trained on clean images for 200 epochs; here it begins
with random weights, as Madry et al. 2018 have it."""


def _pruned(
    made: str,
    source: str,
    epochs: int,
    arguments: Mapping[str, object],
    digits_size: int | None = None,
) -> Network:
    """One of those that Lee et al. 2022 prune, or a small one of its family."""
    return Network(
        made,
        source,
        digits=_robust_on_digits(epochs),
        photographs=_ROBUST,
        arguments=arguments,
        digits_size=digits_size,
    )


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
    "mad_vgg16": _pruned(_VGG, _SOURCE_VGG, 8, {}),
    "mad_resnet18": _pruned(
        _RESNET, _SOURCE, 6, {"units": 2, "width": 64, "stages": 4, "projected": True}
    ),
    "mad_wrn_28_10": _pruned(_WIDE, _SOURCE_WIDE, 4, {"units": 4, "width": 10, "dropout": 0.3}),
    "mad_vgg_small": _pruned(
        _VGG, _SOURCE_VGG, 8, {"widths": (16, 32, 32), "units": (1, 1, 2)}, _DIGITS_SIZE
    ),
    "mad_resnet_small": _pruned(
        _RESNET, _SOURCE, 6, {"units": 1, "width": 8, "projected": True}, _DIGITS_SIZE
    ),
    "mad_wrn_small": _pruned(_WIDE, _SOURCE_WIDE, 4, {"units": 1, "width": 1}, _DIGITS_SIZE),
}
"""Every one, by the name that --models takes."""
