"""The library `sap`: attacks by Monte-Carlo gradients on defended networks. Imports no torch."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from adapters.base import Adapter, AttackInfo, Settings, UnsupportedSettings
from adapters.papers.sap import methods
from adapters.papers.sap.settings import SamplingSettings

if TYPE_CHECKING:
    from torch import nn

    from adapters.base import AttackFunction


class Sap(Adapter):
    """Attacks of Dhillon et al. 2018."""

    name = "sap"
    distribution = "torch"
    subject = "defended networks"
    devices = frozenset({"cpu", "cuda"})
    """Draws are counted in float64, which an MPS device has not."""

    def attacks(self) -> Mapping[str, AttackInfo]:
        return methods.ATTACKS

    def import_library(self) -> None:
        importlib.import_module("torch")

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        raise UnsupportedSettings(f"{self.name} attacks defended networks, not any classifier")

    def build_sampling_attack(
        self, attack: str, model: nn.Module, dense: nn.Module, settings: SamplingSettings
    ) -> AttackFunction:
        """Build one attack on one network.

        Args:
            attack: a name from `attacks()`.
            model: the defended network, in evaluation mode.
            dense: the same without its defence.
            settings: what the attack is told.

        Returns:
            images (N, C, H, W) and labels (N,) to perturbed images of the same shape and dtype.

        Raises:
            UnsupportedSettings: it can't do this.
            KeyError: there is no attack of that name.
        """
        self.check(settings.dtype, settings.device)
        methods.check(settings)
        followed = model if settings.gradient == "own" else dense
        return partial(self.attacks()[attack].imported(), followed, settings=settings)
