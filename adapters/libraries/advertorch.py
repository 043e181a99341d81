"""advertorch: attack objects with `.perturb`, gradients by `loss.backward()`.

The library has had no release since 2020; one name that PyTorch removed is put back before its
import, and an argument that SciPy removed is dropped while an attack that gives it runs.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Mapping
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, ClassVar

from adapters.declared import Build, DeclaredAdapter, Request
from adapters.libraries.declared.advertorch import ATTACKS, FALLBACK, LEFT_OUT

if TYPE_CHECKING:
    from torch import Tensor

    from adapters.base import AttackFunction


def _perturb(request: Request) -> AttackFunction:
    perturb: AttackFunction = request.make(request.model, **request.keywords).perturb
    return perturb


def _towards_next_class(request: Request) -> AttackFunction:
    perturb = _perturb(request)
    return lambda images, labels: perturb(images, request.next_class(labels))


def _fast_feature(request: Request) -> AttackFunction:
    """Each image is to resemble another of the batch."""
    perturb = _perturb(request)
    return lambda images, _: perturb(images, images.roll(1, 0))


def _momentum_l2(request: Request) -> AttackFunction:
    """L2 MI-FGSM divides 0 by 0 where it hasn't changed a value, and is NaN from there on.

    Its quotients are all the same for an image, and it cuts them off at 1: so does this, at 0 / 0.
    """
    import torch

    attacker = request.make(request.model, **request.keywords)
    unbound = type(attacker).perturb
    clamp = unbound.__globals__["clamp"]

    def clamp_quotients(values: Tensor, **bounds: float) -> Any:
        return clamp(values if "min" in bounds else torch.nan_to_num(values, nan=1.0), **bounds)

    names = {**unbound.__globals__, "clamp": clamp_quotients}
    mended = FunctionType(unbound.__code__, names, argdefs=unbound.__defaults__)
    perturb: AttackFunction = MethodType(mended, attacker)
    return perturb


def _fab(request: Request) -> AttackFunction:
    """FAB makes tensors on the CPU that it indexes with those of the model's device."""
    import torch

    perturb, device = _perturb(request), request.settings.device
    if device == "cpu":
        return perturb

    def on_device(images: Tensor, labels: Tensor) -> Tensor:
        with torch.device(device):
            return perturb(images, labels)

    return on_device


def _by_scipy(request: Request) -> AttackFunction:
    """Both searches ask SciPy's L-BFGS-B not to print, by an argument that SciPy 1.18 has no more.

    They import the function at every call, so it is there that it is replaced, for that call.
    """
    import scipy.optimize

    perturb, search = _perturb(request), scipy.optimize.fmin_l_bfgs_b
    if "iprint" in inspect.signature(search).parameters:
        return perturb

    def unprinted(*arguments: Any, iprint: int = -1, **keywords: Any) -> Any:
        return search(*arguments, **keywords)

    def run(images: Tensor, labels: Tensor) -> Tensor:
        scipy.optimize.fmin_l_bfgs_b = unprinted
        try:
            return perturb(images, labels)
        finally:
            scipy.optimize.fmin_l_bfgs_b = search

    return run


def _lbfgs(request: Request) -> AttackFunction:
    perturb = _by_scipy(request)
    return lambda images, labels: perturb(images, request.next_class(labels))


def _choose_best(request: Request) -> AttackFunction:
    import advertorch.attacks
    from torch.nn import CrossEntropyLoss

    model, keywords = request.model, request.keywords
    attacks = [
        advertorch.attacks.LinfPGDAttack(model, **keywords),
        advertorch.attacks.LinfMomentumIterativeAttack(model, **keywords),
    ]
    # By its default loss, 0 or 1, it hands back a black image where neither attack succeeds.
    loss = CrossEntropyLoss(reduction="none")
    perturb: AttackFunction = request.make(model, attacks, loss_fn=loss).perturb
    return perturb


def _zero_gradients(tensor: Tensor) -> None:
    """What torch.autograd.gradcheck.zero_gradients did for one tensor."""
    if tensor.grad is not None:
        tensor.grad.detach_()
        tensor.grad.zero_()


class Advertorch(DeclaredAdapter):
    """PGD does exactly `steps` forward and backward passes."""

    name = "advertorch"
    distribution = "advertorch"
    modules = ("advertorch.attacks",)
    table = ATTACKS
    fallback = FALLBACK
    left_out = LEFT_OUT
    builders: ClassVar[Mapping[str, Build]] = {
        "ChooseBestAttack": _choose_best,
        "FastFeatureAttack": _fast_feature,
        "JacobianSaliencyMapAttack": _towards_next_class,
        "L1FABAttack": _fab,
        "L2FABAttack": _fab,
        "L2MomentumIterativeAttack": _momentum_l2,
        "LBFGSAttack": _lbfgs,
        "LinfFABAttack": _fab,
        "SpatialTransformAttack": _by_scipy,
    }

    def import_library(self) -> None:
        # torch.autograd.gradcheck is the function; the module of that name is found in sys.modules.
        importlib.import_module("torch.autograd.gradcheck")
        module = sys.modules["torch.autograd.gradcheck"]
        if not hasattr(module, "zero_gradients"):  # removed in torch 1.9
            module.zero_gradients = _zero_gradients  # type: ignore[attr-defined]
        super().import_library()

    def build_usual(self, request: Request) -> AttackFunction:
        return _perturb(request)
