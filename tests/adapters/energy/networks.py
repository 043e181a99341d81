"""A tiny dynamic network with gates and early exits, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from adapters.models.dynamic.base import THRESHOLD, Gated, hard
from adapters.papers.energy.settings import EnergySettings

GATES, CLASSES, SIDE = 5, 3, 6
SEED = 5
"""Of its weights: with these, gradients of gates that are on and off oppose each other."""


class Tiny(nn.Module):
    """Convolutions behind gates that see the pooled map before them; counts what it is asked.

    Args:
        bias: of the gates: far below 0 none is on, far above it all are.
        dtype: of parameters.
    """

    def __init__(self, bias: float = 0.0, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        torch.manual_seed(SEED)
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.units = nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1) for _ in range(GATES))
        gates = [nn.Linear(4, 1) for _ in range(GATES)]
        self.gates = nn.ModuleList(gates)
        self.exits = nn.ModuleList(nn.Linear(4, CLASSES) for _ in range(2))
        for gate in gates:
            nn.init.normal_(gate.weight)
        self.bias = bias
        self.forwards = self.backwards = 0
        self.eval().to(dtype)

    def forward(self, images: Tensor) -> Gated:
        self.forwards += 1
        seen = self.stem(images)
        if seen.requires_grad:
            seen.register_hook(self._counted)
        found, gates, exits = seen.tanh(), [], []
        for unit, gate in zip(self.units, self.gates, strict=True):
            gates.append(torch.sigmoid(4 * gate(found.mean((2, 3)))[:, 0] + self.bias))
            found = found + hard(gates[-1])[:, None, None, None] * unit(found).tanh()
            exits = [exit_(found.mean((2, 3))) for exit_ in self.exits]
        told = torch.stack(gates, dim=1)
        flops = 1 + (told >= THRESHOLD).double() @ COSTS
        return Gated(exits[-1], told, flops, torch.stack(exits, dim=1))

    def _counted(self, gradient: Tensor) -> None:
        self.backwards += 1


COSTS = torch.tensor([1.0, 2.0, 1.0, 3.0, 1.0], dtype=torch.float64)


@dataclass(frozen=True)
class Known:
    """As a look at a network finds it."""

    read: Callable[[object], Gated]
    gate_flops: Tensor = COSTS


def as_told(output: object) -> Gated:
    assert isinstance(output, Gated)
    return output


KNOWN = Known(as_told)


def pictures(count: int = 3, seed: int = 1) -> Tensor:
    """Images, some of whose values are exactly 0 and 1."""
    drawn = torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    return (1.4 * drawn - 0.2).clamp(0, 1)


def apart(one: Tensor, other: Tensor) -> float:
    """The largest difference; `torch.testing` imports PyTorch's compiler, which takes seconds."""
    return float((one - other).detach().abs().max())


def settings(**changes: object) -> EnergySettings:
    return EnergySettings(**{"steps": 5, **changes})  # type: ignore[arg-type]
