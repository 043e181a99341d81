"""foolbox: framework-neutral attacks through eagerpy, gradients by `loss.backward()`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from adapters.base import Adapter, AttackInfo, Settings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction


class Foolbox(Adapter):
    """PGD does `steps` forward and backward passes, and one forward pass more: calling an attack
    also tells which images were fooled."""

    name = "foolbox"
    distribution = "foolbox"

    def attacks(self) -> Mapping[str, AttackInfo]:
        return {
            "pgd": AttackInfo(
                "Linf",
                "white-box",
                40,
                "foolbox.attacks.LinfPGD",
                "backward",
                extra_work="one forward pass to see which images were fooled",
            )
        }

    def import_library(self) -> None:
        import foolbox  # noqa: F401

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        import foolbox

        wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device=settings.device)
        attacker = foolbox.attacks.LinfPGD(
            abs_stepsize=settings.step_size,
            steps=settings.steps,
            random_start=settings.random_start,
        )

        def run(images: Tensor, labels: Tensor) -> Tensor:
            _, clipped, _ = attacker(wrapped, images, labels, epsilons=settings.eps)
            adversarial: Tensor = clipped
            return adversarial

        return run
