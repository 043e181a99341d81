"""Tensors on the CPU, on the GPU, and their gradients, for the tests here."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tests.fake_cuda import DEVICE


def here(*shape: int) -> Tensor:
    return torch.rand(shape)


def there(*shape: int) -> Tensor:
    return torch.rand(shape, device=DEVICE)


def hooked(hook: Callable[[Tensor], Tensor]) -> Tensor | None:
    """The gradient of a leaf with a hook."""
    leaf = there(2).requires_grad_()
    leaf.register_hook(hook)
    leaf.sum().backward()
    return leaf.grad


def gradient_of(function: Callable[[Tensor], Tensor]) -> Tensor:
    leaf = there(2).requires_grad_()
    (found,) = torch.autograd.grad(function(leaf), leaf)
    return found
