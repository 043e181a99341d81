"""An adapter of a library that conflicts with the others, for tests."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from adapters.base import Adapter, AttackInfo, Settings

if TYPE_CHECKING:
    from torch import nn

    from adapters.base import AttackFunction


class Apart(Adapter):
    """It has one attack, and wants an old release of another package."""

    name = "apart"
    distribution = "apart-attacks"
    apart = ("apart-attacks==1.5", "conflicting<2")

    def attacks(self) -> Mapping[str, AttackInfo]:
        info = AttackInfo("Linf", "white-box", 1, "apart_attacks.fgsm", "backward")
        return {"fgsm": info}

    def import_library(self) -> None:
        importlib.import_module("apart_attacks")

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        function = self.attacks()[attack].imported()
        built: AttackFunction = lambda images, labels: function(model, images, labels)  # noqa: E731
        return built
