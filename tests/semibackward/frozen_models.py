"""A small model to freeze, and what tests of `semi_backward` look at."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

LOST = "before the block: the gradient of a frozen parameter"


def since(*version: int) -> pytest.MarkDecorator:
    """For a test of what torch has only since this version."""
    mine = tuple(map(int, torch.__version__.split(".")[:2]))
    return pytest.mark.skipif(mine < version, reason=f"torch {torch.__version__} is older")


def small_model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4))


def flags(model: nn.Module) -> list[bool]:
    return [parameter.requires_grad for parameter in model.parameters()]


def gradients(model: nn.Module) -> list[Tensor]:
    found = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    model.zero_grad(set_to_none=True)
    return found


def attack(model: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    images = images.clone().requires_grad_()
    model(images).square().sum().backward()
    assert images.grad is not None
    return (images + images.grad).detach()


def equal(some: list[Tensor], others: list[Tensor]) -> bool:
    return len(some) == len(others) > 0 and all(map(torch.equal, some, others))
