"""A dynamic network of a few parameters, that tests train in a moment."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from adapters.models.dynamic.base import DynamicNetwork, Gated
from adapters.models.dynamic.catalogue import NETWORKS
from adapters.models.trained.catalogue import Network
from adapters.models.trained.recipes import Recipe, Stage

RECIPE = Recipe(
    (
        Stage("first", 2, 0.1, settings={"penalty": 0.1}),
        Stage("second", 2, 0.01, optimizer="adam", settings={"penalty": 0.2}),
    ),
    batch=24,
)


class Toy(DynamicNetwork):
    """One unit, a linear layer, behind one gate; dropout draws, and batch norm remembers."""

    def __init__(self, classes: int, width: int = 8, *, diverging: bool = False) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(48, width), nn.BatchNorm1d(width), nn.Dropout(0.1))
        self.gate, self.unit = nn.Linear(width, 1), nn.Linear(width, width)
        self.head = nn.Linear(width, classes)
        self.gate_flops = torch.tensor([2.0 * width**2], dtype=torch.float64)
        self.static_flops = 4.0 * width**2
        self.diverging = diverging
        self.seen: list[dict[str, float]] = []

    def forward(self, images: Tensor) -> Gated:
        stem = self.stem(functional.adaptive_avg_pool2d(images, 4).flatten(1))
        gates = torch.sigmoid(self.gate(stem))
        logits = self.head(functional.relu(stem + gates * self.unit(stem)))
        executed = (gates.detach() >= 0.5).double() @ self.gate_flops
        return Gated(logits, gates, self.static_flops - self.gate_flops.sum() + executed)

    def training_loss(self, images: Tensor, labels: Tensor, settings: dict[str, float]) -> Tensor:
        self.seen.append(settings)
        made = self(images)
        loss = functional.cross_entropy(made.logits, labels)
        loss = loss + settings["penalty"] * made.gates.mean()
        diverged: Tensor = loss * math.nan
        return diverged if self.diverging else loss


def register(monkeypatch: pytest.MonkeyPatch, recipe: Recipe = RECIPE, **arguments: object) -> None:
    """Let the catalogue have it, as "toy"."""
    made = f"{__name__}:Toy"
    network = Network(made, "nobody", digits=recipe, photographs=recipe, arguments=arguments)
    monkeypatch.setitem(NETWORKS, "toy", network)
