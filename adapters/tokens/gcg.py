"""References of our own: greedy coordinate gradient and its token gradient alone, the gradient
asked for in two ways. Imports no torch.

They say what PyTorch itself does, in the version at hand, apart from any library.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from adapters.base import AttackInfo, GradientCall
from adapters.tokens.base import TokenAdapter, TokenSettings

if TYPE_CHECKING:
    from adapters.tokens.base import TokenAttack
    from adapters.tokens.models import LanguageModel
    from adapters.tokens.prompts import Prompt

_TRIES = "forward passes of every candidate"
_GRADIENTS: Mapping[GradientCall, str] = {
    "backward": "by_backward",
    "autograd.grad": "by_autograd_grad",
}
"""How a gradient is asked for, and the function of `adapters.reference` that does."""


def _of(function: str, call: GradientCall, extra: str = "") -> AttackInfo:
    source = f"adapters.tokens.reference.{function}"
    return AttackInfo("token", "white-box", 500, source, call, extra_work=extra)


ATTACKS = {
    "gcg-backward": _of("greedy_coordinate_gradient", "backward", _TRIES),
    "gcg-autograd-grad": _of("greedy_coordinate_gradient", "autograd.grad", _TRIES),
    "token-gradient-backward": _of("gradient_flips", "backward"),
    "token-gradient-autograd-grad": _of("gradient_flips", "autograd.grad"),
}


class Gcg(TokenAdapter):
    """Algorithm 1 of Zou et al. 2023, with one forward and one backward pass a step for the
    gradient, and the forward passes of the candidates."""

    name = "gcg"
    distribution = "torch"
    gradient_only = frozenset(name for name in ATTACKS if name.startswith("token-gradient"))

    def attacks(self) -> Mapping[str, AttackInfo]:
        return ATTACKS

    def import_library(self) -> None:
        importlib.import_module("torch")

    def build_token_attack(
        self, attack: str, model: LanguageModel, prompt: Prompt, settings: TokenSettings
    ) -> TokenAttack:
        from adapters import reference as calls
        from adapters.tokens import reference

        info = self.attacks()[attack]
        gradient = getattr(calls, _GRADIENTS[info.gradient_call])
        found = reference.sought(model, prompt, settings)
        return partial(info.imported(), found, gradient, settings)
