"""DeepRobust (image part): attack objects with `.generate`, gradients by `loss.backward()`.

One name that SciPy moved is put back before the import.
"""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from adapters.base import Adapter, AttackInfo, Settings, UnsupportedSettings
from adapters.libraries.declared.deeprobust import ATTACKS, LEFT_OUT

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction

    Build = Callable[[str, nn.Module, Settings], AttackFunction]


class Deeprobust(Adapter):
    """PGD does `steps` forward and backward passes, and one forward pass more, on the clean
    images, whose result it does not use. It always starts at random, drawn by numpy, and wants
    labels as floats."""

    name = "deeprobust"
    distribution = "deeprobust"
    dtypes = frozenset({"float32"})  # casts images with .float()
    devices = frozenset({"cpu", "cuda"})
    left_out = LEFT_OUT

    def attacks(self) -> Mapping[str, AttackInfo]:
        return ATTACKS

    def import_library(self) -> None:
        module = importlib.import_module("scipy.optimize.optimize")
        if not hasattr(module, "_status_message"):
            private = importlib.import_module("scipy.optimize._optimize")
            module._status_message = private._status_message  # type: ignore[attr-defined]
        import deeprobust.image.attack.pgd  # noqa: F401

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        return _BUILD.get(attack, _batched)(attack, model, settings)


def _library_member(attack: str) -> Any:
    module, _, name = ATTACKS[attack].source.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _device(settings: Settings) -> str:
    return "cuda" if settings.device.startswith("cuda") else "cpu"


def _batched(attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
    keywords = ATTACKS[attack].keywords(settings)
    if keywords.pop("random_start", True) is False:
        raise UnsupportedSettings("deeprobust's PGD always starts at random")
    attacker = _library_member(attack)(model, _device(settings))

    def run(images: Tensor, labels: Tensor) -> Tensor:
        adversarial: Tensor = attacker.generate(images, labels.float(), **keywords)
        return adversarial.detach()

    return run


def _image_by_image(attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
    import torch

    keywords = ATTACKS[attack].keywords(settings)
    # Calls `forward`, which skips the hooks of what it is given; so it is given a shell.
    attacker = _library_member(attack)(torch.nn.Sequential(model), _device(settings))

    def run(images: Tensor, labels: Tensor) -> Tensor:
        found = [
            attacker.generate(image, label, **keywords)
            for image, label in zip(images.split(1), labels.split(1), strict=True)
        ]
        return torch.cat(found)

    return run


def _carlini_wagner(attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
    import torch

    class WithLogits(torch.nn.Module):
        """DeepRobust's own models have this method."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def get_logits(self, images: Tensor) -> Any:
            return self.model(images)

    class Mended(_library_member(attack)):  # type: ignore[misc]
        def loss_function(self, *arguments: Any) -> Any:
            """DeepRobust prints the loss, and torch formats no tensor with dimensions any more."""
            loss, gradient = super().loss_function(*arguments)
            return loss.squeeze(), gradient

    keywords = ATTACKS[attack].keywords(settings)
    attacker = Mended(WithLogits(), _device(settings))

    def run(images: Tensor, labels: Tensor) -> Tensor:
        found = []
        with contextlib.redirect_stdout(io.StringIO()):
            for image, label in zip(images.split(1), labels.split(1), strict=True):
                target = (int(label) + 1) % settings.classes
                found.append(
                    attacker.generate(image, label, target, classnum=settings.classes, **keywords)
                )
        return torch.cat(found)

    return run


def _fast_pgd(attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
    import torch

    attacker = _library_member(attack)(
        DEVICE=torch.device(_device(settings)), **ATTACKS[attack].keywords(settings)
    )

    def run(images: Tensor, labels: Tensor) -> Tensor:
        # A copy, since it makes the images that it is given require a gradient.
        adversarial: Tensor = attacker.attack(model, images.clone(), labels)
        return adversarial.detach()

    return run


def _nattack(attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
    keywords = ATTACKS[attack].keywords(settings)
    attacker = _library_member(attack)(model, _device(settings))

    def run(images: Tensor, labels: Tensor) -> Tensor:
        pairs = zip(images.split(1), labels.split(1), strict=True)
        attacker.generate(dataloader=list(pairs), classnum=settings.classes, **keywords)
        return images

    return run


def _universal(attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
    make = _library_member(attack)
    keywords = ATTACKS[attack].keywords(settings)

    def run(images: Tensor, labels: Tensor) -> Tensor:
        pairs = list(zip(images.split(1), labels.split(1), strict=True))
        noise: Tensor = make(pairs, model, _device(settings), **keywords)
        return images + noise

    return run


def _bpda(attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
    import torch

    make = _library_member(attack)
    keywords = ATTACKS[attack].keywords(settings)

    def run(images: Tensor, labels: Tensor) -> Tensor:
        pairs = zip(images.split(1), labels.tolist(), strict=True)
        found = [make(image, label, model, **keywords) for image, label in pairs]
        return torch.cat([torch.from_numpy(image) for image in found])

    return run


_BUILD: Mapping[str, Build] = {
    "bpda": _bpda,
    "cw": _carlini_wagner,
    "deepfool": _image_by_image,
    "fast-pgd": _fast_pgd,
    "nattack": _nattack,
    "onepixel": _image_by_image,
    "universal": _universal,
}
