"""The actor's step of soft actor-critic, through both critics: Stable-Baselines3's own networks.

`SAC.train` computes the actor's loss through `self.critic` and calls `actor_loss.backward()`; the
critics' gradients of it are cleared, unread, before the critics' next step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import SAC
from torch import Tensor

OBSERVED, ACTIONS = 348, 17
"""What MuJoCo's humanoid shows and takes, as Gymnasium has it since its fifth version."""


class Walk(gymnasium.Env[Any, Any]):
    """An environment of a humanoid's size that needs no physics: what it shows is noise."""

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-1.0, 1.0, (OBSERVED,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (ACTIONS,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins, with the seed, if there is one."""
        super().reset(seed=seed, options=options)
        return self._seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One step, rewarded for small actions; it never ends."""
        return self._seen(), -float(np.square(action).sum()), False, False, {}

    def _seen(self) -> Any:
        return self.np_random.uniform(-1.0, 1.0, OBSERVED).astype(np.float32)


def agent(device: str, batch: int, seed: int) -> SAC:
    """A new agent that has seen enough to take a step.

    Args:
        device: torch's name of it.
        batch: how many observations a step takes.
        seed: of the weights and of what the agent has seen.
    """
    made = SAC(
        "MlpPolicy", Walk(), seed=seed, device=device, learning_starts=batch, buffer_size=4 * batch
    )
    made.learn(total_timesteps=batch)
    return made


def actor_step(model: SAC, seen: Tensor) -> Callable[[], Tensor]:
    """The statements of `SAC.train` that compute the actor's loss and descend it.

    Args:
        model: the agent.
        seen: observations, of shape (batch, entries).

    Returns:
        What takes the step, and returns the loss.
    """
    actor, critic = model.actor, model.critic
    entropy = model.log_ent_coef
    assert entropy is not None  # the library learns it unless it is told a number

    def step() -> Tensor:
        actions, log_prob = actor.action_log_prob(seen)
        worth, _ = torch.min(torch.cat(critic(seen, actions), dim=1), dim=1, keepdim=True)
        loss: Tensor = (torch.exp(entropy.detach()) * log_prob.reshape(-1, 1) - worth).mean()
        actor.optimizer.zero_grad()
        loss.backward()
        actor.optimizer.step()
        return loss.detach()

    return step


def setup(device: str = "cpu", batch: int = 256, seed: int = 0) -> dict[str, Any]:
    """A step of the actor of a new agent; the critics are trained elsewhere, in every step."""
    model = agent(device, batch, seed)
    model.policy.set_training_mode(True)
    assert model.replay_buffer is not None
    seen = model.replay_buffer.sample(batch).observations
    return {
        "call": actor_step(model, seen),
        "foreign": model.critic,
        "state": [model.actor, model.actor.optimizer],
        "toggled": True,
    }
