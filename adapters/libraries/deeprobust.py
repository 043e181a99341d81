"""DeepRobust (image part): attack objects with `.generate`, gradients by `loss.backward()`.

One name that SciPy moved is put back before the import.
"""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from adapters.base import Settings, UnsupportedSettings
from adapters.declared import Build, DeclaredAdapter, Request
from adapters.libraries.declared.deeprobust import ATTACKS, LEFT_OUT

if TYPE_CHECKING:
    from torch import Tensor

    from adapters.base import AttackFunction


def _device(settings: Settings) -> str:
    return "cuda" if settings.device.startswith("cuda") else "cpu"


def _pairs(images: Tensor, labels: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Batches of one image and its label."""
    return list(zip(images.split(1), labels.split(1), strict=True))


def _image_by_image(request: Request) -> AttackFunction:
    import torch

    # Calls `forward`, which skips the hooks of what it is given; so it is given a shell.
    attacker = request.make(torch.nn.Sequential(request.model), _device(request.settings))

    def run(images: Tensor, labels: Tensor) -> Tensor:
        found = [
            attacker.generate(image, label, **request.keywords)
            for image, label in _pairs(images, labels)
        ]
        return torch.cat(found)

    return run


def _carlini_wagner(request: Request) -> AttackFunction:
    import torch

    class WithLogits(torch.nn.Module):
        """DeepRobust's own models have this method."""

        def __init__(self) -> None:
            super().__init__()
            self.model = request.model

        def get_logits(self, images: Tensor) -> Any:
            return self.model(images)

    kind: Any = request.make

    class Mended(kind):  # type: ignore[misc]
        def loss_function(self, *arguments: Any) -> Any:
            """DeepRobust prints the loss, and torch formats no tensor with dimensions any more."""
            loss, gradient = super().loss_function(*arguments)
            return loss.squeeze(), gradient

    attacker = Mended(WithLogits(), _device(request.settings))

    def run(images: Tensor, labels: Tensor) -> Tensor:
        found = []
        with contextlib.redirect_stdout(io.StringIO()):
            for image, label in _pairs(images, labels):
                target = int(request.next_class(label))
                found.append(
                    attacker.generate(
                        image, label, target, classnum=request.settings.classes, **request.keywords
                    )
                )
        return torch.cat(found)

    return run


def _fast_pgd(request: Request) -> AttackFunction:
    import torch

    attacker = request.make(DEVICE=torch.device(_device(request.settings)), **request.keywords)

    def run(images: Tensor, labels: Tensor) -> Tensor:
        # A copy, since it makes the images that it is given require a gradient.
        adversarial: Tensor = attacker.attack(request.model, images.clone(), labels)
        return adversarial.detach()

    return run


def _nattack(request: Request) -> AttackFunction:
    attacker = request.make(request.model, _device(request.settings))

    def run(images: Tensor, labels: Tensor) -> Tensor:
        attacker.generate(
            dataloader=_pairs(images, labels), classnum=request.settings.classes, **request.keywords
        )
        return images

    return run


def _universal(request: Request) -> AttackFunction:
    make = request.make

    def run(images: Tensor, labels: Tensor) -> Tensor:
        noise: Tensor = make(
            _pairs(images, labels), request.model, _device(request.settings), **request.keywords
        )
        return images + noise

    return run


def _bpda(request: Request) -> AttackFunction:
    import torch

    make = request.make

    def run(images: Tensor, labels: Tensor) -> Tensor:
        pairs = zip(images.split(1), labels.tolist(), strict=True)
        found = [make(image, label, request.model, **request.keywords) for image, label in pairs]
        return torch.cat([torch.from_numpy(image) for image in found])

    return run


class Deeprobust(DeclaredAdapter):
    """PGD does `steps` forward and backward passes, and one forward pass more, on the clean
    images, whose result it does not use. It always starts at random, drawn by numpy, and wants
    labels as floats."""

    name = "deeprobust"
    distribution = "deeprobust"
    dtypes = frozenset({"float32"})  # casts images with .float()
    devices = frozenset({"cpu", "cuda"})
    modules = ("deeprobust.image.attack.pgd",)
    table = ATTACKS
    left_out = LEFT_OUT
    builders: ClassVar[Mapping[str, Build]] = {
        "BPDA_attack": _bpda,
        "CarliniWagner": _carlini_wagner,
        "DeepFool": _image_by_image,
        "FASTPGD": _fast_pgd,
        "NATTACK": _nattack,
        "Onepixel": _image_by_image,
        "universal_adversarial_perturbation": _universal,
    }

    def import_library(self) -> None:
        module = importlib.import_module("scipy.optimize.optimize")
        if not hasattr(module, "_status_message"):
            private = importlib.import_module("scipy.optimize._optimize")
            module._status_message = private._status_message  # type: ignore[attr-defined]
        super().import_library()

    def build_usual(self, request: Request) -> AttackFunction:
        keywords = request.keywords
        if keywords.pop("random_start", True) is False:
            raise UnsupportedSettings("deeprobust's PGD always starts at random")
        attacker = request.make(request.model, _device(request.settings))

        def run(images: Tensor, labels: Tensor) -> Tensor:
            adversarial: Tensor = attacker.generate(images, labels.float(), **keywords)
            return adversarial.detach()

        return run
