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
from typing import TYPE_CHECKING, Any, ClassVar

from adapters import starting_points
from adapters.base import Settings
from adapters.declared import Build, DeclaredAdapter, Request
from adapters.libraries.declared.cleverhans import ATTACKS, FALLBACK, LEFT_OUT

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction


def _from_another_class(request: Request) -> AttackFunction:
    """HopSkipJump, which takes no labels: it asks the model for them."""
    import torch

    make, model = request.make, request.model
    start = starting_points.find(model, request.settings)
    gamma = torch.ones((), device=request.settings.device)

    def run(images: Tensor, labels: Tensor) -> Tensor:
        # It takes one start after another, and wants each to be a batch.
        begin = start(labels).unsqueeze(1)
        adversarial: Tensor = make(
            model, images, image_target=begin, gamma=gamma, **request.keywords
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


class Cleverhans(DeclaredAdapter):
    """PGD does exactly `steps` forward and backward passes; its sanity checks, on by default, read
    two booleans back from the device in every step."""

    name = "cleverhans"
    distribution = "cleverhans"
    dtypes = frozenset({"float32"})  # casts images with .to(torch.float)
    modules = tuple(dict.fromkeys(info.source.rpartition(".")[0] for info in ATTACKS.values()))
    table = ATTACKS
    fallback = FALLBACK
    left_out = LEFT_OUT
    builders: ClassVar[Mapping[str, Build]] = {"hop_skip_jump_attack": _from_another_class}

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        import numpy

        for name in self.modules:
            module: Any = importlib.import_module(name)
            if hasattr(module, "np"):
                module.np = numpy if settings.device == "cpu" else NumpyOffCpu(numpy)
        return super().build_attack(attack, model, settings)

    def build_usual(self, request: Request) -> AttackFunction:
        make = request.make

        def run(images: Tensor, labels: Tensor) -> Tensor:
            adversarial: Tensor = make(request.model, images, y=labels, **request.keywords)
            return adversarial.detach()

        return run
