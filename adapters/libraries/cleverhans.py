"""CleverHans (its PyTorch part): attacks as functions, gradients mostly by `loss.backward()`.

Its sanity checks hand a list of tensors to `numpy.all`, which fails for tensors on a GPU
(cleverhans-lab/cleverhans issue 1248); they are read back one by one there.

HopSkipJump gets its starting points through its `image_target`, since drawing noise for them, as it
does by default, never ends well on a model that takes all noise for the same class. In L-infinity
it compares a tensor with a plain number, which PyTorch refuses: its `gamma` is given as a tensor.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from adapters.base import Adapter, AttackInfo, Settings
from adapters.libraries.declared.cleverhans import ATTACKS, FALLBACK, HOPSKIPJUMP, LEFT_OUT
from adapters.libraries.foolbox import starting_points

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction

_MODULES = tuple(dict.fromkeys(info.source.rpartition(".")[0] for info in ATTACKS.values()))


class Cleverhans(Adapter):
    """PGD does exactly `steps` forward and backward passes; its sanity checks, on by default, read
    two booleans back from the device in every step."""

    name = "cleverhans"
    distribution = "cleverhans"
    dtypes = frozenset({"float32"})  # casts images with .to(torch.float)
    left_out = LEFT_OUT

    def attacks(self) -> Mapping[str, AttackInfo]:
        return ATTACKS

    def import_library(self) -> None:
        for name in _MODULES:
            importlib.import_module(name)

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        import numpy

        if settings.device != "cpu":
            for name in _MODULES:
                module: Any = importlib.import_module(name)
                if hasattr(module, "np"):
                    module.np = NumpyOffCpu(numpy)
        info = ATTACKS[attack]
        keywords = {**FALLBACK.get(attack, {}), **info.keywords(settings)}
        source, _, function = info.source.rpartition(".")
        make = getattr(importlib.import_module(source), function)
        if info.source == HOPSKIPJUMP:
            return _from_another_class(make, model, settings, keywords)
        if attack == "cw":
            keywords["n_classes"] = settings.classes

        def run(images: Tensor, labels: Tensor) -> Tensor:
            adversarial: Tensor = make(model, images, y=labels, **keywords)
            return adversarial.detach()

        return run


def _from_another_class(
    make: Any, model: nn.Module, settings: Settings, keywords: Mapping[str, Any]
) -> AttackFunction:
    """HopSkipJump, which takes no labels: it asks the model for them."""
    import torch

    start = starting_points(model, settings)
    gamma = torch.ones((), device=settings.device)

    def run(images: Tensor, labels: Tensor) -> Tensor:
        # It takes one start after another, and wants each to be a batch.
        begin = start(labels).unsqueeze(1)
        adversarial: Tensor = make(model, images, image_target=begin, gamma=gamma, **keywords)
        return adversarial.detach()

    return run


class NumpyOffCpu:
    """numpy, but for an `all` that also takes tensors which numpy can't read."""

    def __init__(self, numpy: ModuleType) -> None:
        self._numpy = numpy

    def __getattr__(self, name: str) -> object:
        return getattr(self._numpy, name)

    @staticmethod
    def all(values: Iterable[object]) -> bool:
        return all(bool(value) for value in values)
