"""foolbox: framework-neutral attacks through eagerpy, gradients by `loss.backward()`.

foolbox takes the radius at the call, as `epsilons`, and has no default for it: where the user's eps
does not apply or is not given, the radii of `adapters.libraries.declared.foolbox` hold. Attacks for
the smallest perturbation get None, as foolbox's documentation has it.

Attacks that start from an image of another class draw noise for one by default, a thousand times if
need be, and give up where a model takes all noise for the class at hand, as models with random
weights often do. They get foolbox's `starting_points` instead, found while the attack is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters import starting_points
from adapters.declared import DeclaredAdapter, Request
from adapters.libraries.declared.foolbox import (
    ATTACKS,
    FALLBACK,
    LEFT_OUT,
    RADII,
    STARTS_ELSEWHERE,
    TARGETED,
)

if TYPE_CHECKING:
    from torch import Tensor

    from adapters.base import AttackFunction


class Foolbox(DeclaredAdapter):
    """PGD does `steps` forward and backward passes, and one forward pass more: calling an attack
    also tells which images were fooled."""

    name = "foolbox"
    distribution = "foolbox"
    modules = ("foolbox",)
    table = ATTACKS
    fallback = FALLBACK
    left_out = LEFT_OUT

    def build_usual(self, request: Request) -> AttackFunction:
        import foolbox

        keywords, settings = request.keywords, request.settings
        at_call = {}
        if "epsilons" in request.info.arguments:
            at_call["epsilons"] = keywords.pop("epsilons", RADII.get(request.info.norm))
        wrapped = foolbox.PyTorchModel(request.model, bounds=(0, 1), device=settings.device)
        attacker = request.make(**keywords)
        start = None
        if request.attack in STARTS_ELSEWHERE:
            start = starting_points.find(request.model, settings)

        def run(images: Tensor, labels: Tensor) -> Tensor:
            criterion = labels
            if request.attack in TARGETED:
                criterion = foolbox.TargetedMisclassification(request.next_class(labels))
            given = at_call if start is None else {**at_call, "starting_points": start(labels)}
            _, clipped, _ = attacker(wrapped, images, criterion, **given)
            adversarial: Tensor = clipped
            return adversarial

        return run
