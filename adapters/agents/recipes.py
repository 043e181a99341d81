"""How an agent is trained. Pure; a digest names what comes of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from adapters.agents.environments import CATCH


@dataclass(frozen=True)
class Recipe:
    """Of Double DQN, with the settings of Dhillon et al. 2018, appendix A, unless others are given;
    what it leaves open is as in Mnih et al. 2015, extended data table 1.

    A step is one action of the agent's, whatever the environment makes of it.

    Attributes:
        steps: of the whole training.
        slice: steps between two checkpoints; an episode that is under way then is left.
        replay: most recent pictures that are kept.
        start: steps at random before the first update.
        every: steps between two updates.
        batch: transitions of a minibatch.
        rate: the learning rate of RMSProp.
        momentum, decay, floor: as `RMSProp` takes them.
        discount: gamma.
        target: steps between two updates of the target network.
        first_epsilon, last_epsilon: how often an action is drawn at random, at first and at last.
        annealed: steps in which it gets from one to the other, in a straight line.
        version: raised when the code changes what a recipe makes.
    """

    steps: int = 100_000_000
    slice: int = 250_000
    replay: int = 1_000_000
    start: int = 50_000
    every: int = 4
    batch: int = 32
    rate: float = 0.00025
    momentum: float = 0.95
    decay: float = 0.95
    floor: float = 0.01
    discount: float = 0.99
    target: int = 10_000
    first_epsilon: float = 1.0
    last_epsilon: float = 0.1
    annealed: int = 1_000_000
    version: int = 1

    @property
    def slices(self) -> int:
        """The last may be shorter."""
        return -(-self.steps // self.slice)

    def epsilon(self, step: int) -> float:
        """How often an action is drawn at random, after so many steps."""
        share = min(1.0, step / self.annealed)
        return self.first_epsilon + share * (self.last_epsilon - self.first_epsilon)

    def digest(self, environment: str, seed: int) -> str:
        """A short name for the agent that it makes."""
        told = {"recipe": asdict(self), "environment": environment, "seed": seed}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


FULL = Recipe()
SMALL = Recipe(
    steps=16_000,
    slice=1_000,
    replay=10_000,
    start=1_000,
    rate=0.0005,
    momentum=0.0,
    floor=1e-6,
    target=200,
    annealed=4_000,
)
"""For catch, in minutes on two cores: as often as in the paper it is learnt from what was seen, but
in longer steps, without momentum, and everything else happens sooner."""


def recipe(environment: str) -> Recipe:
    """How an agent for an environment is trained."""
    return SMALL if environment == CATCH else FULL
