"""advertorch: attack objects with `.perturb`, gradients by `loss.backward()`.

The library has had no release since 2020; one name that PyTorch removed is put back before its
import.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Mapping
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from adapters.base import Adapter, AttackInfo, Settings
from adapters.libraries.declared.advertorch import ATTACKS, LEFT_OUT

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction

ASK_CLASSES = frozenset(
    {
        "CarliniWagnerL2Attack",
        "ElasticNetL1Attack",
        "LBFGSAttack",
        "SpatialTransformAttack",
        "JacobianSaliencyMapAttack",
    }
)
TARGETED = frozenset({"LBFGSAttack", "JacobianSaliencyMapAttack"})
"""Work only towards a class: the next one."""
USUAL_EPS = 0.3
"""The library's default of every L-infinity attack but SPSA, which has none."""


class Advertorch(Adapter):
    """PGD does exactly `steps` forward and backward passes."""

    name = "advertorch"
    distribution = "advertorch"
    left_out = LEFT_OUT

    def attacks(self) -> Mapping[str, AttackInfo]:
        return ATTACKS

    def import_library(self) -> None:
        # torch.autograd.gradcheck is the function; the module of that name is found in sys.modules.
        importlib.import_module("torch.autograd.gradcheck")
        module = sys.modules["torch.autograd.gradcheck"]
        if not hasattr(module, "zero_gradients"):  # removed in torch 1.9
            module.zero_gradients = _zero_gradients  # type: ignore[attr-defined]
        import advertorch.attacks  # noqa: F401

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        import advertorch.attacks

        info = ATTACKS[attack]
        kind = info.source.rpartition(".")[2]
        keywords = info.keywords(settings)
        if kind == "ChooseBestAttack":
            return _choose_best(advertorch.attacks, model, keywords)
        if kind == "LinfSPSAAttack":
            keywords.setdefault("eps", USUAL_EPS)
        if kind in ASK_CLASSES:
            keywords["num_classes"] = settings.classes
        if kind == "JacobianSaliencyMapAttack" and (steps := keywords.pop("steps", None)):
            # It changes two values a step, until a share of the image's values is changed. It
            # rounds down: aim at the middle of the step after.
            keywords["gamma"] = (2 * steps + 1) / math.prod(settings.input_shape)
        attacker = getattr(advertorch.attacks, kind)(model, **keywords)
        perturb: AttackFunction = attacker.perturb
        if kind == "L2MomentumIterativeAttack":
            return _without_nan(attacker)
        if kind in TARGETED:
            return lambda images, labels: perturb(images, (labels + 1) % settings.classes)
        if kind == "FastFeatureAttack":  # each image is to resemble another of the batch
            return lambda images, _: perturb(images, images.roll(1, 0))
        if kind.endswith("FABAttack") and settings.device != "cpu":
            return _on_device(perturb, settings.device)
        return perturb


def _without_nan(attacker: Any) -> AttackFunction:
    """L2 MI-FGSM divides 0 by 0 where it hasn't changed a value, and is NaN from there on.

    Its quotients are all the same for an image, and it cuts them off at 1: so does this, at 0 / 0.
    """
    import torch

    unbound = type(attacker).perturb
    clamp = unbound.__globals__["clamp"]

    def clamp_quotients(values: Tensor, **bounds: float) -> Any:
        return clamp(values if "min" in bounds else torch.nan_to_num(values, nan=1.0), **bounds)

    names = {**unbound.__globals__, "clamp": clamp_quotients}
    mended = FunctionType(unbound.__code__, names, argdefs=unbound.__defaults__)
    perturb: AttackFunction = MethodType(mended, attacker)
    return perturb


def _on_device(perturb: AttackFunction, device: str) -> AttackFunction:
    """FAB makes tensors on the CPU that it indexes with those of the model's device."""
    import torch

    def on_device(images: Tensor, labels: Tensor) -> Tensor:
        with torch.device(device):
            return perturb(images, labels)

    return on_device


def _choose_best(library: Any, model: nn.Module, keywords: dict[str, Any]) -> AttackFunction:
    from torch.nn import CrossEntropyLoss

    attacks = [
        library.LinfPGDAttack(model, **keywords),
        library.LinfMomentumIterativeAttack(model, **keywords),
    ]
    # By its default loss, 0 or 1, it hands back a black image where neither attack succeeds.
    loss = CrossEntropyLoss(reduction="none")
    perturb: AttackFunction = library.ChooseBestAttack(model, attacks, loss_fn=loss).perturb
    return perturb


def _zero_gradients(tensor: Tensor) -> None:
    """What torch.autograd.gradcheck.zero_gradients did for one tensor."""
    if tensor.grad is not None:
        tensor.grad.detach_()
        tensor.grad.zero_()
