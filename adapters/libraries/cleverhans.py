"""CleverHans (its PyTorch part): attacks as functions, gradients by `loss.backward()`.

Its sanity checks hand a list of tensors to `numpy.all`, which fails for tensors on a GPU
(cleverhans-lab/cleverhans issue 1248); they are read back one by one there.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING

from adapters.base import Adapter, AttackInfo, Settings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction

_MODULES = (
    "cleverhans.torch.attacks.fast_gradient_method",
    "cleverhans.torch.attacks.projected_gradient_descent",
)


class Cleverhans(Adapter):
    """PGD does exactly `steps` forward and backward passes; its sanity checks, on by default, read
    two booleans back from the device in every step."""

    name = "cleverhans"
    distribution = "cleverhans"
    dtypes = frozenset({"float32"})  # casts images with .to(torch.float)

    def attacks(self) -> Mapping[str, AttackInfo]:
        return {
            "pgd": AttackInfo(
                "Linf",
                "white-box",
                40,
                "cleverhans.torch.attacks.projected_gradient_descent",
                "backward",
            )
        }

    def import_library(self) -> None:
        for name in _MODULES:
            importlib.import_module(name)

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        import numpy
        from cleverhans.torch.attacks.projected_gradient_descent import projected_gradient_descent

        if settings.device != "cpu":
            for name in _MODULES:
                importlib.import_module(name).np = NumpyOffCpu(numpy)  # type: ignore[attr-defined]

        def run(images: Tensor, labels: Tensor) -> Tensor:
            adversarial: Tensor = projected_gradient_descent(
                model,
                images,
                eps=settings.eps,
                eps_iter=settings.step_size,
                nb_iter=settings.steps,
                norm=numpy.inf,
                clip_min=0.0,
                clip_max=1.0,
                y=labels,
                rand_init=settings.random_start,
            )
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
