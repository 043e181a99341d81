"""What is known of each energy attack without running it. Imports no torch.

Costs are in passes over the network: forward F, output gradients D and parameter gradients W, which
for linear and convolution layers cost about the same (Bu 2022, section 4.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from adapters.base import STEPS, AttackInfo

Off = Literal["complexity", "joint", "power", "uniform"]
Finished = Literal["unused", "in turn", "masks"]

WARM_UP = 5
"""One step of so many warms up by eq. 8: the first 20 % (GradMDM, section 4.4)."""


@dataclass(frozen=True)
class Method:
    """An energy attack.

    Attributes:
        source: where it is published.
        off: the loss that activates gates: "complexity" (GradMDM, eq. 8), "joint" (eq. 7), "power"
            (eq. 9), or "uniform" (Hong et al. 2021: every early exit towards uniform confidence).
        finished: what the finished loss (eq. 10), of gates that are on, is for: nothing; it takes
            turns with the other; or its gradient masks the other's (eqs. 12 to 16).
        steps: as published.
        norm: of what is kept small.
    """

    source: str
    off: Off
    finished: Finished = "unused"
    steps: int = 100
    norm: str = "L2"

    @property
    def warms_up(self) -> bool:
        """Whether its first steps are by eq. 8 alone."""
        return self.off == "power" or self.finished != "unused"

    @property
    def masks(self) -> bool:
        """Whether the finished gradient masks the complexity gradient."""
        return self.finished == "masks"

    @property
    def early_exits(self) -> bool:
        """Whether it is for networks with early exits alone."""
        return self.off == "uniform"

    def warm_up(self, steps: int) -> int:
        """How many of its first steps warm up."""
        return steps // WARM_UP if self.warms_up else 0

    def backwards(self, *, keep_label: bool = False) -> int:
        """Backward passes through the network in each step, of one forward pass.

        One a loss, as the authors call `.backward()`; where gradients are masked, that of the
        finished loss is asked for while warming up too, as in their code.
        """
        return 1 + self.masks + keep_label

    def ceiling(self, *, keep_label: bool = False) -> float:
        """The speedup of semi-backward that counting passes predicts: (F + b (D + W)) / (F + b D),
        with F = D = W and b backward passes a step."""
        backwards = self.backwards(keep_label=keep_label)
        return (1 + 2 * backwards) / (1 + backwards)


METHODS: Mapping[str, Method] = {
    "ilfo": Method("Haque et al. 2020; GradMDM, eq. 8", "complexity", steps=300),
    "joint": Method("GradMDM, eq. 7", "joint"),
    "in-turn": Method("GradMDM, table IX", "power", "in turn"),
    "power": Method("GradMDM, eq. 9", "power"),
    "masking": Method("GradMDM, eqs. 10 to 16", "complexity", "masks"),
    "gradmdm": Method("GradMDM, section 4.4", "power", "masks"),
    "deepsloth": Method("Hong et al. 2021", "uniform", steps=550, norm="Linf"),
}
"""Every attack of the library `papers`, by the name --attacks takes; GradMDM is Pan et al."""

_DESCENT = "adapters.papers.energy.attack.descend"
_SLOTH = "adapters.papers.energy.deepsloth.slow_down"


def _info(method: Method) -> AttackInfo:
    return AttackInfo(
        norm=method.norm,
        access="white-box",
        default_steps=method.steps,
        source=_SLOTH if method.early_exits else _DESCENT,
        gradient_call="backward",
        extra_work="a second backward pass a step" if method.masks else "",
        arguments={"steps": STEPS},
    )


ATTACKS: Mapping[str, AttackInfo] = {name: _info(method) for name, method in METHODS.items()}
"""The same, as an adapter declares them."""


def backwards(name: str, *, keep_label: bool = False) -> int:
    """Of an attack by name, `Method.backwards`."""
    return METHODS[name].backwards(keep_label=keep_label)


def ceiling(name: str, *, keep_label: bool = False) -> float:
    """Of an attack by name, `Method.ceiling`."""
    return METHODS[name].ceiling(keep_label=keep_label)
