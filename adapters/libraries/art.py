"""Adversarial Robustness Toolbox: numpy in, numpy out, gradients by `loss.backward()`.

The standard library's `multiprocessing` stands in for `multiprocess`, which AutoAttack imports and
does not use.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import itertools
import multiprocessing
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from adapters.declared import DeclaredAdapter, Request
from adapters.libraries import art_calls
from adapters.libraries.declared.art import ATTACKS, FALLBACK, LEFT_OUT

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction
    from adapters.libraries.art_calls import Array


class Art(DeclaredAdapter):
    """PGD does `steps` forward and backward passes, and two forward passes more, one on the clean
    and one on the adversarial images, for a success rate that it logs. Images cross from torch to
    numpy and back once; a user of ART pays for that too. Labels are given as class numbers."""

    name = "art"
    distribution = "adversarial-robustness-toolbox"
    dtypes = frozenset({"float32"})  # ART casts every array to its ART_NUMPY_DTYPE
    devices = frozenset({"cpu", "cuda"})
    modules = ("art.attacks.evasion", "art.estimators.classification")
    table = ATTACKS
    fallback = FALLBACK
    left_out = LEFT_OUT

    def import_library(self) -> None:
        if importlib.util.find_spec("multiprocess") is None:
            sys.modules["multiprocess"] = multiprocessing
        super().import_library()

    def build_usual(self, request: Request) -> AttackFunction:
        import torch

        member = request.info.member
        classifier = _classifier(request)
        kind = _MENDED[member](request.make) if member in _MENDED else request.make
        make = functools.partial(kind, classifier, **request.keywords)
        attacker = make()
        generate = art_calls.of(member)

        def run(images: Tensor, labels: Tensor) -> Tensor:
            # These remember what the last run found, and would start from there.
            current = make() if member in _STATEFUL else attacker
            adversarial = generate(current, images.cpu().numpy(), labels.cpu().numpy())
            return torch.from_numpy(adversarial).to(images)

        return run


_STATEFUL = frozenset(
    {
        "AdversarialPatchNumpy",
        "AdversarialPatchPyTorch",
        "CompositeAdversarialAttackPyTorch",
        "SpatialTransformation",
    }
)
# With NumPy 2 these calculate in doubles, once an image fools the model.
_DOUBLES = frozenset({"BoundaryAttack", "HopSkipJump", "LaserBeamAttack"})


def _classifier(request: Request) -> Any:
    """The model as the attack wants it, in a shell where ART hands it something else."""
    import torch
    from art.estimators.classification import PyTorchClassifier

    member, model, settings = request.info.member, request.model, request.settings
    laser = member == "LaserBeamAttack"

    class Shell(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, images: Tensor) -> Any:
            images = images.permute(0, 3, 1, 2) if laser else images
            return self.model(images.float())

    channels, height, width = settings.input_shape
    if member in _DOUBLES:
        shell: nn.Module = Shell()
    elif member == "SimBA":
        shell = torch.nn.Sequential(model, torch.nn.Softmax(dim=1))
    else:
        shell = model
    return PyTorchClassifier(
        shell,
        loss=torch.nn.CrossEntropyLoss(),
        input_shape=(height, width, channels) if laser else settings.input_shape,
        nb_classes=settings.classes,
        clip_values=(0.0, 1.0),
        channels_first=not laser,
        # ART means torch's current CUDA device by "gpu".
        device_type="gpu" if settings.device.startswith("cuda") else "cpu",
    )


def _autoattack(kind: Any) -> Any:
    def make(classifier: Any, steps: int | None = None, **keywords: Any) -> Any:
        made = kind(classifier, **keywords)
        for inner in made.attacks:
            with contextlib.suppress(AttributeError):
                inner.verbose = False
            if steps is not None:
                inner.max_iter = steps
                for restarts in ("nb_random_init", "nb_restarts"):
                    if hasattr(inner, restarts):
                        setattr(inner, restarts, 1)
        return made

    return make


def _patch_numpy(kind: Any) -> Any:
    """With NumPy 2 the value of a fresh patch is no `float` any more, which ART asks for."""

    class Mended(kind):  # type: ignore[misc]
        def reset_patch(self, initial_patch_value: Any) -> None:
            super().reset_patch(float(initial_patch_value))

    return Mended


def _brendel_bethge(kind: Any) -> Any:
    """ART stops with an error if no noise fools the model; a growing step along the gradient does
    more often."""

    def make(classifier: Any, **keywords: Any) -> Any:
        from art.attacks.evasion import FastGradientMethod

        made = kind(classifier, **keywords)
        made.start = FastGradientMethod(classifier, eps=1.0, minimal=True)
        return made

    return make


def _geoda(kind: Any) -> Any:
    """ART draws noise until some fools the model, for ever if none does. Here, a hundred times."""

    class Bounded(kind):  # type: ignore[misc]
        def _find_random_adversarial(self, x: Array, y: Array) -> Any:
            drawn = itertools.count()
            asked = super()._is_adversarial
            self.__dict__["_is_adversarial"] = lambda image, label: (
                asked(image, label) or next(drawn) >= 100
            )
            try:
                return super()._find_random_adversarial(x, y)
            finally:
                del self.__dict__["_is_adversarial"]

    return Bounded


_MENDED: Mapping[str, Callable[[Any], Any]] = {
    "AdversarialPatchNumpy": _patch_numpy,
    "AutoAttack": _autoattack,
    "BrendelBethgeAttack": _brendel_bethge,
    "GeoDA": _geoda,
}
