"""foolbox: framework-neutral attacks through eagerpy, gradients by `loss.backward()`.

foolbox takes the radius at the call, as `epsilons`, and has no default for it: where the user's eps
does not apply or is not given, the radii of `adapters.libraries.declared.foolbox` hold. Attacks for
the smallest perturbation get None, as foolbox's documentation has it.

Attacks that start from an image of another class draw noise for one by default, a thousand times if
need be, and give up where a model takes all noise for the class at hand, as models with random
weights often do. They get foolbox's `starting_points` instead, found while the attack is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from adapters.base import Adapter, AttackInfo, Settings, UnsupportedSettings
from adapters.libraries.declared.foolbox import (
    ATTACKS,
    FALLBACK,
    LEFT_OUT,
    RADII,
    STARTS_ELSEWHERE,
    TARGETED,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction


class Foolbox(Adapter):
    """PGD does `steps` forward and backward passes, and one forward pass more: calling an attack
    also tells which images were fooled."""

    name = "foolbox"
    distribution = "foolbox"
    left_out = LEFT_OUT

    def attacks(self) -> Mapping[str, AttackInfo]:
        return ATTACKS

    def import_library(self) -> None:
        import foolbox  # noqa: F401

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        import foolbox

        info = ATTACKS[attack]
        keywords = {**FALLBACK.get(attack, {}), **info.keywords(settings)}
        at_call = {}
        if "epsilons" in info.arguments:
            at_call["epsilons"] = keywords.pop("epsilons", RADII.get(info.norm))
        wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device=settings.device)
        attacker = getattr(foolbox.attacks, info.source.rpartition(".")[2])(**keywords)
        start = starting_points(model, settings) if attack in STARTS_ELSEWHERE else None

        def run(images: Tensor, labels: Tensor) -> Tensor:
            criterion = labels
            if attack in TARGETED:
                criterion = foolbox.TargetedMisclassification((labels + 1) % settings.classes)
            given = at_call if start is None else {**at_call, "starting_points": start(labels)}
            _, clipped, _ = attacker(wrapped, images, criterion, **given)
            adversarial: Tensor = clipped
            return adversarial

        return run


def starting_points(model: nn.Module, settings: Settings) -> Callable[[Tensor], Tensor]:
    """Find two images of different classes among noise and plain colours.

    Returns:
        from labels (N,) to images (N, C, H, W) of another class each.

    Raises:
        UnsupportedSettings: the model takes all of them for the same class.
    """
    import torch

    channels = settings.input_shape[0]
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(16, *settings.input_shape, generator=generator)
    colours = torch.cartesian_prod(*[torch.tensor([0.0, 0.5, 1.0])] * channels)
    colours = colours.reshape(-1, channels, 1, 1).expand(-1, *settings.input_shape)
    images = torch.cat([noise, colours]).to(settings.device, getattr(torch, settings.dtype))
    with torch.no_grad():
        logits = torch.cat([model(part) for part in images.split(settings.batch)])
    usual = int(logits[0].argmax())
    lead = logits.amax(dim=1) - logits[:, usual]
    if not bool(lead.max() > 0):
        raise UnsupportedSettings(
            "this attack starts from an image of another class, and the model takes noise and"
            " plain colours all for the same one; trained weights will do better"
        )
    one, other = images[0], images[lead.argmax()]

    def start(labels: Tensor) -> Tensor:
        return torch.where((labels == usual)[:, None, None, None], other, one)

    return start
