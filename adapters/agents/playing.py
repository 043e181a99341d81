"""Let an agent act while what it sees is attacked (Dhillon et al. 2018, section 4.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from torch import Tensor

from adapters.agents import environments
from adapters.agents.network import seen

Values = Callable[[Tensor], Tensor]
"""Observations (B, 4, 84, 84) in [0, 1] to values (B, actions)."""
Perturb = Callable[[Tensor, Tensor], Tensor]
"""Observations and the actions (B,) that the agent prefers in them, to attacked observations."""
EPSILON = 0.05
"""How often an action is drawn at random (Mnih et al. 2015, "Evaluation procedure")."""
LONGEST = 4500
"""Steps of an episode, if it does not end before: five minutes of a game (the same)."""


@dataclass
class _Episode:
    """One under way."""

    env: Any
    random: numpy.random.Generator
    observed: Any
    reward: float = 0.0
    over: bool = False

    def step(self, action: int, actions: int) -> None:
        # Both are drawn at each step, so that what is drawn depends on nothing that was done.
        at_random, other = self.random.random() < EPSILON, int(self.random.integers(actions))
        taken = other if at_random else action
        self.observed, reward, terminal, truncated, _ = self.env.step(taken)
        self.reward += float(reward)
        self.over = bool(terminal or truncated)


def play(
    environment: str,
    values: Values,
    *,
    episodes: int,
    seed: int,
    perturb: Perturb | None = None,
    device: str = "cpu",
) -> list[float]:
    """The sum of rewards of each episode; all of them go side by side.

    The agent takes the action of the highest value in what it sees. An attack is told the action
    that the agent prefers in what it would have seen: its loss is the cross-entropy of that action
    under softmax(Q) (Huang et al. 2017), as for a class of images.

    Args:
        environment: as `environments.make` takes it.
        values: of the agent; averaged over passes where they are drawn.
        episodes: how many.
        seed: of the episodes, of actions at random, and of torch's generators; the same ones give
            the same episodes, whatever the agent does.
        perturb: the attack; None for none.
        device: where observations go.

    Raises:
        AdapterError: there is no such environment.
    """
    torch.manual_seed(seed)
    begun = [_begin(environment, seed, number) for number in range(episodes)]
    for _ in range(LONGEST):
        running = [episode for episode in begun if not episode.over]
        if not running:
            break
        stacked = numpy.stack([episode.observed for episode in running])
        observations = seen(torch.from_numpy(stacked).to(device))
        preferred = _greedy(values, observations)
        if perturb is not None:
            preferred = _greedy(values, perturb(observations, preferred))
        for episode, action in zip(running, preferred.tolist(), strict=True):
            episode.step(action, int(episode.env.action_space.n))
    for episode in begun:
        episode.env.close()
    return [episode.reward for episode in begun]


def observations(environment: str, count: int, seed: int) -> Tensor:
    """What is seen while actions are drawn at random, (count, 4, 84, 84) in [0, 1], on the CPU.

    Args:
        environment: as `environments.make` takes it.
        count: how many.
        seed: of the episodes, and of the actions.

    Raises:
        AdapterError: there is no such environment.
    """
    random = numpy.random.default_rng(seed)
    env = environments.make(environment)
    found = [env.reset(seed=int(random.integers(2**31)))[0]]
    while len(found) < count:
        observed, _, terminal, truncated, _ = env.step(int(random.integers(env.action_space.n)))  # type: ignore[attr-defined]
        found.append(env.reset()[0] if terminal or truncated else observed)
    env.close()
    return seen(torch.from_numpy(numpy.stack(found)))


def _begin(environment: str, seed: int, number: int) -> _Episode:
    env = environments.make(environment)
    random = numpy.random.default_rng([seed, number])
    return _Episode(env, random, env.reset(seed=int(random.integers(2**31)))[0])


@torch.no_grad()
def _greedy(values: Values, observations: Tensor) -> Tensor:
    return values(observations).argmax(1)
