"""What is known of each training method without running it. Imports no torch.

Costs are in passes over the network: forward F, output gradients D and parameter gradients W, which
for linear and convolution layers cost about the same (Bu 2022, section 4.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Inside = Literal["library", "own", "none"]


@dataclass(frozen=True)
class Method:
    """A way to train.

    Attributes:
        source: the paper.
        inside: where its attack comes from: any library, its own code, or there is none.
        forwards: forward passes of one optimisation step outside the attack.
        forwards_updated: those of them that the step goes back through for the update.
        one_step: whether its attack takes one step, whatever is asked.
        replays: how often it trains on a minibatch before the next, unless asked otherwise.
    """

    source: str
    inside: Inside
    forwards: int = 1
    forwards_updated: int = 1
    one_step: bool = False
    replays: int = 1

    def theory(self, steps: int | None) -> float:
        """The speedup that counting passes predicts, with attacks that compute every gradient.

        Bu 2022, section 4.4, for K-step attacks and one update: (3K + 3) / (2K + 3).

        Args:
            steps: K, of the attack; None where there is none.
        """
        attack = steps or 0
        rest = self.forwards + 2 * self.forwards_updated
        return (3 * attack + rest) / (2 * attack + rest)


METHODS: Mapping[str, Method] = {
    "natural": Method("no attack", "none"),
    "pgd": Method("Madry et al. 2018", "library"),
    "trades": Method("Zhang et al. 2019", "own", forwards=3, forwards_updated=2),
    "mart": Method("Wang et al. 2020", "library", forwards=2, forwards_updated=2),
    "fast": Method("Wong et al. 2020", "library", one_step=True),
    "free": Method("Shafahi et al. 2019", "none", replays=8),
}
"""Every method, by the name --training takes."""

FAST_STEP = 1.25
"""Length of the one step of fast training, in radii of the ball (Wong et al. 2020, section 4)."""
