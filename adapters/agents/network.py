"""The network of an agent: what each action is worth in what is seen."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from adapters.agents.environments import FRAMES


class QNetwork(nn.Sequential):
    """Appendix A of Dhillon et al. 2018, which is that of Mnih et al. 2015.

    Observations (N, 4, 84, 84) in [0, 1] to values (N, actions).

    Args:
        actions: how many there are.
        seed: of its weights, which are PyTorch's usual ones.
    """

    def __init__(self, actions: int, seed: int = 0) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            super().__init__(
                *(nn.Conv2d(FRAMES, 32, 8, stride=4), nn.ReLU()),
                *(nn.Conv2d(32, 64, 4, stride=2), nn.ReLU()),
                *(nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten()),
                *(nn.Linear(64 * 7 * 7, 512), nn.ReLU()),
                nn.Linear(512, actions),
            )


def seen(frames: Tensor) -> Tensor:
    """Grey levels from 0 to 255, uint8, as the network takes them."""
    return frames.float() / 255
