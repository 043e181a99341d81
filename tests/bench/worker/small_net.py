"""A small model, and whether it is as it was."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.norm(self.layer(x)).mean((2, 3)))
        return out


def small() -> Net:
    torch.manual_seed(0)
    return Net().eval()


def images() -> Tensor:
    return torch.rand(2, 3, 4, 4)


def state_of(model: nn.Module) -> dict[str, object]:
    found: dict[str, object] = {name: held.clone() for name, held in model.state_dict().items()}
    for path, part in model.named_modules():
        held = {name for name in vars(part) if not name.startswith("_is_")}
        hooks = sum(len(value) for name, value in vars(part).items() if "_hooks" in name)
        found[f"{path}:"] = type(part), part.training, held, hooks
    flags = ((p.requires_grad, p._backward_hooks or {}) for p in model.parameters())
    return {**found, "flags": list(flags)}


def assert_unchanged(model: nn.Module, before: dict[str, object]) -> None:
    after = state_of(model)
    assert list(after) == list(before)
    for name, was in before.items():
        now = after[name]
        if isinstance(was, Tensor) and isinstance(now, Tensor):
            assert torch.equal(was, now), name
        else:
            assert was == now, name
