"""A folder of wheels from which uv makes environments without a network: each "torch" in it is a
line that leads back to the packages of this environment."""

from __future__ import annotations

import sysconfig
from collections.abc import Sequence
from pathlib import Path

from bench.matrix import requirements
from tools.planted import package

ATTACKS = """
import torch
def fgsm(model, images, labels):
    images = images.detach().requires_grad_()
    loss = torch.nn.functional.cross_entropy(model(images), labels)
    {gradient}
    return (images.detach() + 0.03 * gradient.sign()).clamp(0, 1)
"""
BY_BACKWARD = ATTACKS.format(gradient="loss.backward(); gradient = images.grad")
BY_GRAD = ATTACKS.format(gradient="gradient, = torch.autograd.grad(loss, images)")
CALLS_IT = """
def attack(model, images, labels):
    import tiny_attacks
    return tiny_attacks.fgsm(model, images, labels)
"""
VERSIONS = {"1.0": BY_BACKWARD, "2.0": BY_GRAD}


def folder(place: Path, torches: Sequence[str]) -> Path:
    """Write wheels of such versions of torch, of what goes with them, and of tiny-attacks.

    Args:
        place: where.
        torches: their versions.
    """
    wheels = place / "wheels"
    back = {"here.pth": sysconfig.get_path("purelib") + "\n"}
    for torch in torches:
        _wheel(place, "torch", torch, back)
    needed = {text for torch in torches for text in requirements.of_torch(torch)}
    for text in sorted(needed):
        name, _, version = text.partition("==")
        if name != "torch" and "<" not in name:
            _wheel(place, name, version or "1.0", {})
    for version, text in VERSIONS.items():
        _wheel(place, "tiny-attacks", version, {"tiny_attacks/__init__.py": text})
    return wheels


def _wheel(place: Path, name: str, version: str, modules: dict[str, str]) -> None:
    source = package.write(place / f"{name}-{version}", name, version, modules)
    package.wheel(source, place / "wheels")
