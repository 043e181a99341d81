"""Dynamic networks as users write them, and defences; some of each are wrong."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Output(NamedTuple):
    logits: Tensor
    gates: Tensor
    flops: Tensor


class Gated(nn.Module):
    """Two blocks, each behind a gate that sees how bright the image is.

    Args:
        bias: of the gates: below 0 they are off for most images, far above 0 on for all.
    """

    input_shape = (3, 32, 32)

    def __init__(self, bias: float = -0.5) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 8, stride=8)
        self.blocks = nn.ModuleList([nn.Conv2d(8, 8, 3, padding=1) for _ in range(2)])
        self.gates = nn.Linear(8, 2)
        nn.init.constant_(self.gates.bias, bias)
        self.head = nn.Linear(8, 10)
        self.gate_flops = torch.full((2,), 2.0 * 8 * 8 * 9 * 16)
        self.always = 2.0 * (8 * 3 * 64 * 16 + 8 * 2 + 8 * 10)
        self.static_flops = self.always + float(self.gate_flops.sum())

    def forward(self, images: Tensor) -> Any:
        features = self.stem(images).relu()
        gates = torch.sigmoid(self.gates(features.mean(dim=(2, 3))))
        on = (gates >= 0.5).to(gates)
        passed = on + gates - gates.detach()
        for number, block in enumerate(self.blocks):
            features = features + passed[:, number, None, None, None] * block(features).relu()
        flops = self.always + on.double() @ self.gate_flops.to(on.device, torch.float64)
        return self.told(self.head(features.mean(dim=(2, 3))), gates, flops)

    def told(self, logits: Tensor, gates: Tensor, flops: Tensor) -> Any:
        return Output(logits, gates, flops)


class AsDict(Gated):
    def told(self, logits: Tensor, gates: Tensor, flops: Tensor) -> Any:
        return {"logits": logits, "gates": gates, "flops": flops}


class Gateless(Gated):
    def told(self, logits: Tensor, gates: Tensor, flops: Tensor) -> Any:
        return logits


class Beyond(Gated):
    def told(self, logits: Tensor, gates: Tensor, flops: Tensor) -> Any:
        return Output(logits, gates + 1, flops)


class Other(Gated):
    """For more classes than digits have."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(8, 12)


def build() -> nn.Module:
    return Gated()


def all_on() -> nn.Module:
    return Gated(bias=50.0)


def identity(images: Tensor) -> Tensor:
    return images


def halved(images: Tensor) -> Tensor:
    return images[:, :, ::2, ::2]
