"""advertorch: attack objects with `.perturb`, gradients by `loss.backward()`.

The library has had no release since 2020; one name that PyTorch removed is put back before its
import.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from adapters.base import Adapter, AttackInfo, Settings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction


class Advertorch(Adapter):
    """PGD does exactly `steps` forward and backward passes."""

    name = "advertorch"
    distribution = "advertorch"

    def attacks(self) -> Mapping[str, AttackInfo]:
        return {
            "pgd": AttackInfo(
                "Linf", "white-box", 40, "advertorch.attacks.LinfPGDAttack", "backward"
            )
        }

    def import_library(self) -> None:
        # torch.autograd.gradcheck is the function; the module of that name is found in sys.modules.
        importlib.import_module("torch.autograd.gradcheck")
        module = sys.modules["torch.autograd.gradcheck"]
        if not hasattr(module, "zero_gradients"):  # removed in torch 1.9
            module.zero_gradients = _zero_gradients  # type: ignore[attr-defined]
        import advertorch.attacks  # noqa: F401

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        import torch
        from advertorch.attacks import LinfPGDAttack

        attacker = LinfPGDAttack(
            model,
            loss_fn=torch.nn.CrossEntropyLoss(reduction="sum"),
            eps=settings.eps,
            nb_iter=settings.steps,
            eps_iter=settings.step_size,
            rand_init=settings.random_start,
            clip_min=0.0,
            clip_max=1.0,
        )
        perturb: AttackFunction = attacker.perturb
        return perturb


def _zero_gradients(tensor: Tensor) -> None:
    """What torch.autograd.gradcheck.zero_gradients did for one tensor."""
    if tensor.grad is not None:
        tensor.grad.detach_()
        tensor.grad.zero_()
