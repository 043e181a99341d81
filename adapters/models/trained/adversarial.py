"""Adversarial images to train on: a whole minibatch's, or some among clean ones."""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor, nn

from adapters import reference
from adapters.models.outputs import NAME, Logits
from adapters.models.trained.recipes import Loss, Mixture
from semibackward import semi_backward

STEPS = 7
STEP = 0.25
"""Length of a step of the attack, in radii of the ball: Madry et al. 2018, section 5, have 7 steps
of 2/255 in a ball of 8/255."""
SCALE = 255
"""Of a mixture's strength; images are in [0, 1]."""


def attacked(
    network: nn.Module, images: Tensor, labels: Tensor, radius: float, loss: Loss | None = None
) -> Tensor:
    """Adversarial images of a minibatch: Madry et al. 2018, eq. 2.1, by PGD; for TRADES by its own
    attack, in as many steps.

    Args:
        network: that is trained; it is left in eval mode.
        images: (N, 3, H, W), in [0, 1].
        labels: (N,), class numbers.
        radius: of the L-infinity ball.
        loss: that they are made for, as `Recipe` has it.
    """
    model = Logits(network, _logits).eval()
    step = STEP * radius
    with semi_backward(model):
        if loss == "trades":
            return reference.diverging(
                *(model, reference.by_autograd_grad, images),
                eps=radius,
                step_size=step,
                steps=STEPS,
            )
        return reference.pgd(
            *(model, reference.by_autograd_grad, images, labels),
            eps=radius,
            step_size=step,
            steps=STEPS,
        )


def as_it_stands(network: nn.Module) -> nn.Module:
    """A copy that keeps these weights while the network is trained on; in eval mode, frozen."""
    return copy.deepcopy(network).eval().requires_grad_(False)


def mixed(before: nn.Module, images: Tensor, labels: Tensor, mixture: Mixture) -> Tensor:
    """Images of which the first are adversarial: Goodfellow et al. 2015, section 4 (FGSM).

    A minibatch is drawn in a random order, so which ones they are is drawn too.

    Args:
        before: the network as it was when the epoch began, see `as_it_stands`; Dhillon et al. 2018,
            section 4.1.3, take that of the epoch before.
        images: (N, 3, H, W), in [0, 1].
        labels: (N,), class numbers.
        mixture: how many are adversarial, to the nearest image, and how far they are moved.

    Returns:
        (N, 3, H, W), in [0, 1].
    """
    count = round(mixture.share * len(images))
    if not count:
        return images
    radius = mixture.strength / SCALE
    made = images.clone()
    made[:count] = reference.pgd(
        *(Logits(before, _logits), reference.by_autograd_grad, images[:count], labels[:count]),
        eps=radius,
        step_size=radius,
        steps=1,
        random_start=False,
    )
    return made


def _logits(output: Any) -> Tensor:
    """Of a network of the catalogues: its output, or what is called so in it."""
    found: Tensor = output if isinstance(output, Tensor) else getattr(output, NAME)
    return found
