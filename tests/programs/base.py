"""What programs are made of: a model, images, a loss, and one step along the gradient."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

Program = Callable[[nn.Module, Tensor], Tensor]
GRADIENT: dict[str, Program] = {}
"""Programs that ask for gradients, by name."""
QUERIES: dict[str, Program] = {}
"""Programs that do not."""


class Network(nn.Module):
    """In parts, as timm's."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(4 * 8 * 8, 5)

    def forward_features(self, images: Tensor) -> Tensor:
        made: Tensor = self.drop(functional.relu(self.norm(self.stem(images))))
        return made

    def forward_head(self, features: Tensor) -> Tensor:
        made: Tensor = self.head(features.flatten(1))
        return made

    def forward(self, images: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(images))


def network() -> Network:
    torch.manual_seed(0)
    return Network().eval()


def images() -> Tensor:
    return torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def loss(logits: Tensor) -> Tensor:
    return functional.cross_entropy(logits, torch.arange(len(logits)) % logits.shape[1])


def by_backward(call: Callable[[Tensor], Tensor], given: Tensor) -> Tensor:
    """The images after one step along the gradient."""
    moved = given.clone().requires_grad_()
    loss(call(moved)).backward()
    assert moved.grad is not None
    return (moved + 0.03 * moved.grad.sign()).clamp(0, 1).detach()


def by_grad(call: Callable[[Tensor], Tensor], given: Tensor) -> Tensor:
    moved = given.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(call(moved)), moved)
    return torch.cat([gradient, moved.detach()])


def gradient(program: Program) -> Program:
    GRADIENT[program.__name__] = program
    return program


def queries(program: Program) -> Program:
    QUERIES[program.__name__] = program
    return program
