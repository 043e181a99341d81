"""The library `papers`: attacks from papers that no attack library ships. Imports no torch."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from adapters.base import Adapter, AttackInfo, Settings, UnsupportedSettings
from adapters.papers.energy import checking
from adapters.papers.energy.methods import ATTACKS, METHODS
from adapters.papers.energy.settings import EnergySettings

if TYPE_CHECKING:
    from torch import nn

    from adapters.base import AttackFunction
    from adapters.papers.energy.attack import Dynamic, Watch


class Papers(Adapter):
    """Energy attacks on dynamic networks."""

    name = "papers"
    distribution = "torch"
    subject = "dynamic networks"

    def attacks(self) -> Mapping[str, AttackInfo]:
        return ATTACKS

    def import_library(self) -> None:
        importlib.import_module("torch")

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        raise UnsupportedSettings(f"{self.name} attacks dynamic networks, not any classifier")

    def build_energy_attack(
        self,
        attack: str,
        model: nn.Module,
        dynamic: Dynamic,
        settings: EnergySettings,
        watch: Watch | None = None,
    ) -> AttackFunction:
        """Build one attack on one network.

        Args:
            attack: a name from `attacks()`.
            model: a dynamic network, in evaluation mode.
            dynamic: what is known of it.
            settings: what the attack is told.
            watch: called in each iteration, before its update; None where it is timed.

        Returns:
            images (N, C, H, W) and labels (N,) to perturbed images of the same shape and dtype.

        Raises:
            UnsupportedSettings: it can't do this.
            KeyError: there is no attack of that name.
        """
        info, method = self.attacks()[attack], METHODS[attack]
        self.check(settings.dtype, settings.device)
        checking.check_settings(attack, method, settings)
        checking.shares(dynamic.gate_flops)
        told = {} if method.early_exits else {"method": method}
        return partial(
            info.imported(), model, dynamic=dynamic, settings=settings, watch=watch, **told
        )
