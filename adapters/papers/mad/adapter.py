"""The library `mad`: stages of pruning by adversarial saliency. Imports no torch."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from adapters.base import Adapter, AttackInfo, Settings, UnsupportedSettings
from adapters.papers.mad.methods import STAGES

if TYPE_CHECKING:
    from torch import nn

    from adapters.base import AttackFunction


class Mad(Adapter):
    """Stages of Lee et al. 2022; what stands for attacks elsewhere."""

    name = "mad"
    distribution = "torch"
    subject = "pruned networks"
    dtypes = frozenset({"float32", "float64"})
    """Saliency is a product of four small numbers."""
    devices = frozenset({"cpu", "cuda"})

    def attacks(self) -> Mapping[str, AttackInfo]:
        return STAGES

    def import_library(self) -> None:
        importlib.import_module("torch")

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        raise UnsupportedSettings(f"{self.name} is for pruning: its stages attack no classifier")
