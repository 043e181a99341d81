"""Attacks as a user might write them, good and bad, for `--attack`."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

EPS = 8 / 255
_runs = itertools.count(1)  # which nobody can put back


def fgsm(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    print("chatter on stdout")
    images = images.requires_grad_()
    nn.functional.cross_entropy(model(images), labels).backward()
    assert images.grad is not None
    return (images.detach() + EPS * images.grad.sign()).clamp(0, 1)


def along(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Follows the gradient itself, not its sign, so that a rounding shows."""
    found = images
    for _ in range(2):
        leaf = found.detach().requires_grad_()
        nn.functional.cross_entropy(model(leaf), labels).backward()
        assert leaf.grad is not None
        found = (leaf + 0.1 * leaf.grad / leaf.grad.abs().max()).detach()
    return found


def killed(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Dies in the middle of its timed runs."""
    if next(_runs) > 14:
        print("last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    return fgsm(model, images, labels)


def raises(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    raise ValueError("the attack\nfell over")


def forgets_its_seed(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    drawn = int.from_bytes(os.urandom(4), "big") / 2**32
    return (images + 0.1 * drawn + torch.zeros(1)).clamp(0, 1)


def looks_at_the_flags(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    trainable = any(parameter.requires_grad for parameter in model.parameters())
    return images * (0.5 if trainable else 0.75)


def wrong_shape(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    return images[:1]


def no_tensor(model: nn.Module, images: Tensor, labels: Tensor) -> list[float]:
    return [1.0]


def too_large(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    return torch.empty(2**60, dtype=torch.uint8, device=images.device)


def tells_its_process(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    with Path(os.environ["TELL_PROCESS"]).open("a") as told:
        told.write(f"{os.getpid()}\n")
    return fgsm(model, images, labels)


def hungry(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Ten million bytes an image, all written to."""
    return images + 0 * torch.ones(len(images), 2_500_000).sum()
