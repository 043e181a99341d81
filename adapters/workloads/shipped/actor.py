"""An actor's step through two critics, as deep deterministic policy gradients take it (Fujimoto et
al. 2018), in plain torch: the smallest workload whose networks are only passed through."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

OBSERVED, ACTIONS, WIDTH = 24, 6, 256


class Actor(nn.Sequential):
    """Observations (N, 24) to actions (N, 6) in [-1, 1]."""

    def __init__(self) -> None:
        super().__init__(*_layers(OBSERVED, ACTIONS), nn.Tanh())


class Critic(nn.Sequential):
    """Observations and actions, (N, 30), to values (N, 1)."""

    def __init__(self) -> None:
        super().__init__(*_layers(OBSERVED + ACTIONS, 1))


def setup(
    device: str = "cpu", dtype: str = "float32", batch: int = 256, seed: int = 0
) -> dict[str, Any]:
    """The step, its critics and what it changes."""
    torch.manual_seed(seed)
    kind = getattr(torch, dtype)
    actor = Actor().to(device, kind)
    first, second = (Critic().to(device, kind) for _ in range(2))
    optimizer = torch.optim.Adam(actor.parameters(), lr=3e-4)
    observed = torch.randn(batch, OBSERVED).to(device, kind)

    def step() -> Tensor:
        seen = torch.cat([observed, actor(observed)], dim=1)
        loss = -torch.minimum(first(seen), second(seen)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return {
        "call": step,
        "foreign": [first, second],
        "state": [actor, optimizer],
        "toggled": True,
    }


def _layers(taken: int, given: int) -> list[nn.Module]:
    return [
        nn.Linear(taken, WIDTH),
        nn.ReLU(),
        nn.Linear(WIDTH, WIDTH),
        nn.ReLU(),
        nn.Linear(WIDTH, given),
    ]
