"""torchattacks: one class per attack, gradients by `torch.autograd.grad` in most."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adapters.base import Adapter, AttackInfo, Settings
from adapters.libraries.declared.torchattacks import ATTACKS, LEFT_OUT

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction

MOST_CLASSES = 10
"""The library's `n_classes`: attacks with targets try the nine likeliest of the other classes."""
KEEPS_GRADIENT = frozenset({"APGD", "APGDT", "AutoAttack"})
"""Their images still require a gradient."""


class Torchattacks(Adapter):
    """PGD does exactly `steps` forward and backward passes."""

    name = "torchattacks"
    distribution = "torchattacks"
    left_out = LEFT_OUT

    def attacks(self) -> Mapping[str, AttackInfo]:
        return ATTACKS

    def import_library(self) -> None:
        import torchattacks  # noqa: F401

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        import torchattacks

        info = ATTACKS[attack]
        kind = info.source.rpartition(".")[2]
        keywords = info.keywords(settings)
        make = BUILDERS.get(kind)
        attacker: AttackFunction = (
            make(torchattacks, model, settings, keywords)
            if make
            else getattr(torchattacks, kind)(model, **keywords)
        )
        if kind in KEEPS_GRADIENT:
            return lambda images, labels: attacker(images, labels).detach()
        return attacker


def _apgdt(library: Any, model: nn.Module, settings: Settings, keywords: dict[str, Any]) -> Any:
    return library.APGDT(model, n_classes=min(settings.classes, MOST_CLASSES), **keywords)


def _fab(library: Any, model: nn.Module, settings: Settings, keywords: dict[str, Any]) -> Any:
    return library.FAB(model, n_classes=min(settings.classes, MOST_CLASSES), **keywords)


def _autoattack(
    library: Any, model: nn.Module, settings: Settings, keywords: dict[str, Any]
) -> Any:
    steps = keywords.pop("steps", None)
    attacker = library.AutoAttack(model, n_classes=min(settings.classes, MOST_CLASSES), **keywords)
    if steps is not None:  # the constructor takes none
        *others, square = attacker._autoattack.attacks
        for other in others:
            other.steps = steps
        square.n_queries = steps
    return attacker


def _multiattack(
    library: Any, model: nn.Module, settings: Settings, keywords: dict[str, Any]
) -> Any:
    return library.MultiAttack([library.PGD(model, **keywords) for _ in range(2)])


def _jsma(library: Any, model: nn.Module, settings: Settings, keywords: dict[str, Any]) -> Any:
    steps = keywords.pop("steps", None)
    if steps is not None:
        # JSMA changes two values a step, until a share of the image's values is changed. It rounds
        # up: aim at the middle of the last step.
        keywords["gamma"] = (2 * steps - 1) / math.prod(settings.input_shape)
    attacker = library.JSMA(model, **keywords)

    def next_class(_: Tensor, labels: Tensor) -> Tensor:
        return (labels + 1) % settings.classes

    # What it does by itself, but for the number of classes, which it takes to be 10.
    attacker.set_mode_targeted_by_function(next_class, quiet=True)
    return attacker


def _sparsefool(
    library: Any, model: nn.Module, settings: Settings, keywords: dict[str, Any]
) -> Any:
    attacker = library.SparseFool(model, **keywords)
    if settings.steps is not None:
        attacker.deepfool.steps = settings.steps
    return attacker


BUILDERS = {
    "APGDT": _apgdt,
    "FAB": _fab,
    "AutoAttack": _autoattack,
    "MultiAttack": _multiattack,
    "JSMA": _jsma,
    "SparseFool": _sparsefool,
}
