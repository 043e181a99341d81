"""The losses of GradMDM (Pan et al.), each of one image by itself: pure functions of tensors.

A gate whose value G_i reaches the threshold executes its unit. w_i is its share of what all units
cost (section 4.4).
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from adapters.models.dynamic.base import THRESHOLD


def complexity(gates: Tensor, weights: Tensor) -> Tensor:
    """Eq. 8: of the gates that are off, minus the sum of w_i G_i.

    Args:
        gates: (N, G), gating values in [0, 1].
        weights: (G,), the shares, which add up to 1.

    Returns:
        (N,).
    """
    return -(gates * _off(gates)) @ weights


def joint(gates: Tensor, weights: Tensor) -> Tensor:
    """Eq. 7: of all gates; with the shapes of `complexity`."""
    return -gates @ weights


def power(gates: Tensor, weights: Tensor, exponent: float) -> Tensor:
    """Eq. 9: of the gates that are off, minus the sum of w_i G_i^p, which prefers those that are
    near the threshold; eq. 8 where p is 1. With the shapes of `complexity`."""
    return -(gates**exponent * _off(gates)) @ weights


def finished(gates: Tensor, weights: Tensor) -> Tensor:
    """Eq. 10: of the gates that are on, minus the sum of w_i G_i; with the shapes of
    `complexity`."""
    return -(gates * (gates >= THRESHOLD)) @ weights


def squared(perturbed: Tensor, images: Tensor) -> Tensor:
    """Imperceptibility, the first term of eq. 8: the squared L2 norm of x' - x.

    Args:
        perturbed, images: (N, C, H, W).

    Returns:
        (N,).
    """
    return (perturbed - images).square().flatten(1).sum(1)


def largest(perturbed: Tensor, images: Tensor) -> Tensor:
    """Imperceptibility in the L-infinity norm (section 5.3); with the shapes of `squared`."""
    return (perturbed - images).abs().flatten(1).amax(1)


def classification(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy, which keeps the label (table VII).

    Args:
        logits: (N, classes).
        labels: (N,), class numbers.

    Returns:
        (N,).
    """
    return functional.cross_entropy(logits, labels, reduction="none")


def uniform(exits: Tensor) -> Tensor:
    """Cross-entropy between uniform confidence and that of each early exit, the last one left out,
    added up over them (Hong et al. 2021, section 4).

    Args:
        exits: (N, E, classes), logits.

    Returns:
        (N,).
    """
    return -functional.log_softmax(exits[:, :-1], dim=2).mean(2).sum(1)


def _off(gates: Tensor) -> Tensor:
    return gates < THRESHOLD
