"""Controls of our own: one PGD, its gradient asked for in four ways.

They say what PyTorch itself does, in the version at hand, apart from any library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from adapters.base import (
    EPS,
    RANDOM_START,
    STEP_SIZE,
    STEPS,
    AttackInfo,
    GradientCall,
    UnsupportedSettings,
)
from adapters.declared import DeclaredAdapter, Request

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction

    Loss = Callable[[Tensor], Tensor]
    Gradient = Callable[[Loss, Tensor], Tensor]

START = 0.001
"""Standard deviation of the noise that the attack of TRADES starts from."""
_ARGUMENTS = {"eps": EPS, "step_size": STEP_SIZE, "steps": STEPS, "random_start": RANDOM_START}


def _control(function: str, call: GradientCall) -> AttackInfo:
    return AttackInfo(
        "Linf", "white-box", 10, f"adapters.reference.{function}", call, arguments=_ARGUMENTS
    )


ATTACKS: Mapping[str, AttackInfo] = {
    "pgd-backward": _control("by_backward", "backward"),
    "pgd-backward-inputs": _control("by_backward_inputs", "backward(inputs)"),
    "pgd-autograd-grad": _control("by_autograd_grad", "autograd.grad"),
    "pgd-func-grad": _control("by_func_grad", "autograd.grad"),
}


class Reference(DeclaredAdapter):
    """Every control does exactly `steps` forward and backward passes."""

    name = "reference"
    distribution = "torch"
    modules = ("torch",)
    table = ATTACKS

    def build_usual(self, request: Request) -> AttackFunction:
        return partial(pgd, request.model, gradient_of(request.attack), **request.keywords)


def pgd(
    model: nn.Module,
    gradient: Gradient,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float = 8 / 255,
    step_size: float = 2 / 255,
    steps: int = 10,
    random_start: bool = True,
) -> Tensor:
    """Projected gradient descent (Madry et al. 2018, eq. 2.3 and after), L-infinity, untargeted.

    Args:
        model: images (N, C, H, W) in [0, 1] to logits (N, classes).
        gradient: how to ask for a loss's gradient with respect to the images; one of `by_…`.
        images: (N, C, H, W), in [0, 1].
        labels: (N,), class numbers.

    Returns:
        adversarial images (N, C, H, W), detached.
    """
    import torch
    from torch.nn import functional

    start = images.clone()
    if random_start:
        start = (images + torch.empty_like(images).uniform_(-eps, eps)).clamp(0, 1)

    def loss(perturbed: Tensor) -> Tensor:
        return functional.cross_entropy(model(perturbed), labels)

    return ascend(loss, gradient, images, start=start, eps=eps, step_size=step_size, steps=steps)


def diverging(
    model: nn.Module,
    gradient: Gradient,
    images: Tensor,
    *,
    eps: float,
    step_size: float,
    steps: int,
) -> Tensor:
    """The attack of TRADES (Zhang et al. 2019, algorithm 1): away from the prediction on the clean
    images, whatever their labels.

    Args:
        model, gradient, images: as `pgd` has them.
        eps, step_size, steps: as `ascend` has them.

    Returns:
        adversarial images (N, C, H, W), detached.
    """
    import torch
    from torch.nn import functional

    from adapters.losses import divergence

    with torch.no_grad():
        clean = functional.softmax(model(images), dim=1)
    return ascend(
        lambda perturbed: divergence(model(perturbed), clean),
        gradient,
        images,
        start=images + START * torch.randn_like(images),
        eps=eps,
        step_size=step_size,
        steps=steps,
    )


def ascend(
    loss: Loss,
    gradient: Gradient,
    images: Tensor,
    *,
    start: Tensor,
    eps: float,
    step_size: float,
    steps: int,
) -> Tensor:
    """Climb a loss in steps of the gradient's sign, within an L-infinity ball and [0, 1].

    Args:
        loss: of images (N, C, H, W), a scalar.
        gradient: how to ask for its gradient; one of `by_…`.
        images: the ball's centre, (N, C, H, W).
        start: where to begin, (N, C, H, W).
        eps: the ball's radius.
        step_size: length of a step.
        steps: their number.

    Returns:
        images (N, C, H, W), detached.
    """
    for _ in range(steps):
        ascent = step_size * gradient(loss, start).sign()
        change = (start + ascent - images).clamp(-eps, eps)
        start = (images + change).clamp(0, 1)
    return start


def by_backward(loss: Loss, images: Tensor) -> Tensor:
    """`loss.backward()`: fills the `.grad` of everything that requires one."""
    images = images.detach().requires_grad_(True)
    loss(images).backward()
    return _filled(images)


def by_backward_inputs(loss: Loss, images: Tensor) -> Tensor:
    """`loss.backward(inputs=[images])`: fills the images' `.grad` only."""
    images = images.detach().requires_grad_(True)
    loss(images).backward(inputs=[images])
    return _filled(images)


def by_autograd_grad(loss: Loss, images: Tensor) -> Tensor:
    """`torch.autograd.grad(loss, images)`."""
    import torch

    images = images.detach().requires_grad_(True)
    (found,) = torch.autograd.grad(loss(images), images)
    return found


def by_func_grad(loss: Loss, images: Tensor) -> Tensor:
    """`torch.func.grad` of the loss as a function of the images."""
    import torch

    found: Tensor = torch.func.grad(loss)(images)
    return found.detach()


def gradient_of(attack: str) -> Gradient:
    """How one of our controls asks for its gradient.

    Raises:
        UnsupportedSettings: torch is too old for it.
    """
    import torch

    if attack == "pgd-func-grad" and not hasattr(torch, "func"):
        raise UnsupportedSettings(
            f"torch.func came with PyTorch 2.0; this is torch {torch.__version__}"
        )
    gradient: Gradient = ATTACKS[attack].imported()
    return gradient


def _filled(images: Tensor) -> Tensor:
    assert images.grad is not None  # backward has just filled it
    return images.grad
