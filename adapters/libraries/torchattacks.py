"""torchattacks: one class per attack, gradients by `torch.autograd.grad`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from adapters.base import Adapter, AttackInfo, Settings

if TYPE_CHECKING:
    from torch import nn

    from adapters.base import AttackFunction


class Torchattacks(Adapter):
    """PGD does exactly `steps` forward and backward passes."""

    name = "torchattacks"
    distribution = "torchattacks"

    def attacks(self) -> Mapping[str, AttackInfo]:
        return {"pgd": AttackInfo("Linf", "white-box", 10, "torchattacks.PGD", "autograd.grad")}

    def import_library(self) -> None:
        import torchattacks  # noqa: F401

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        import torchattacks

        attacker: AttackFunction = torchattacks.PGD(
            model,
            eps=settings.eps,
            alpha=settings.step_size,
            steps=settings.steps,
            random_start=settings.random_start,
        )
        return attacker
