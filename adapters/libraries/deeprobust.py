"""DeepRobust (image part): attack objects with `.generate`, gradients by `loss.backward()`.

One name that SciPy moved is put back before the import.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from adapters.base import Adapter, AttackInfo, Settings, UnsupportedSettings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction


class Deeprobust(Adapter):
    """PGD does `steps` forward and backward passes, and one forward pass more, on the clean
    images, whose result it does not use. It always starts at random, drawn by numpy, and wants
    labels as floats."""

    name = "deeprobust"
    distribution = "deeprobust"
    dtypes = frozenset({"float32"})  # casts images with .float()
    devices = frozenset({"cpu", "cuda"})

    def attacks(self) -> Mapping[str, AttackInfo]:
        return {
            "pgd": AttackInfo(
                "Linf",
                "white-box",
                40,
                "deeprobust.image.attack.pgd.PGD",
                "backward",
                extra_work="one forward pass on the clean images",
            )
        }

    def import_library(self) -> None:
        module = importlib.import_module("scipy.optimize.optimize")
        if not hasattr(module, "_status_message"):
            private = importlib.import_module("scipy.optimize._optimize")
            module._status_message = private._status_message  # type: ignore[attr-defined]
        import deeprobust.image.attack.pgd  # noqa: F401

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        from deeprobust.image.attack.pgd import PGD

        if not settings.random_start:
            raise UnsupportedSettings("deeprobust's PGD always starts at random")
        attacker = PGD(model, "cuda" if settings.device.startswith("cuda") else "cpu")

        def run(images: Tensor, labels: Tensor) -> Tensor:
            adversarial: Tensor = attacker.generate(
                images,
                labels.float(),
                epsilon=settings.eps,
                num_steps=settings.steps,
                step_size=settings.step_size,
                clip_max=1.0,
                clip_min=0.0,
            )
            return adversarial.detach()

        return run
