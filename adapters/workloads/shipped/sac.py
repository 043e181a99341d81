"""The actor's step of soft actor-critic, through both critics: Stable-Baselines3's own networks.

`SAC.train` computes the actor's loss through `self.critic` and calls `actor_loss.backward()`; the
critics' gradients of it are cleared, unread, before the critics' next step.
"""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import SAC

OBSERVED, ACTIONS = 348, 17
"""What MuJoCo's humanoid shows and takes, as Gymnasium has it since its fifth version."""


class Walk(gymnasium.Env[Any, Any]):
    """An environment of a humanoid's size that needs no physics: what it shows is noise."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

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


def setup(device: str = "cpu", batch: int = 256, seed: int = 0) -> dict[str, Any]:
    """The statements that `SAC.train` has between "Compute actor loss" and the actor's step."""
    model = agent(device, batch, seed)
    model.policy.set_training_mode(True)
    seen = model.replay_buffer.sample(batch).observations  # type: ignore[union-attr]
    weight = torch.exp(model.log_ent_coef.detach())  # type: ignore[union-attr]
    actor, critic = model.actor, model.critic

    def step() -> torch.Tensor:
        actions, log_prob = actor.action_log_prob(seen)
        worth, _ = torch.min(torch.cat(critic(seen, actions), dim=1), dim=1, keepdim=True)
        loss = (weight * log_prob.reshape(-1, 1) - worth).mean()
        actor.optimizer.zero_grad()
        loss.backward()
        actor.optimizer.step()
        return loss.detach()

    return {
        "call": step,
        "foreign": critic,
        "state": [actor, actor.optimizer],
        "toggled": True,
    }
