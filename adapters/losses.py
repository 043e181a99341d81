"""Losses of adversarial training, of logits and labels. Pure."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

TRADES_BETA = 6.0
MART_BETA = 5.0
BELOW_ONE = 1.0001
"""Takes the place of 1 in a logarithm of MART's, which so stays away from log 0."""


def divergence(logits: Tensor, probable: Tensor) -> Tensor:
    """KL(probable ‖ softmax(logits)), mean over images.

    Args:
        logits: (N, classes).
        probable: (N, classes), in [0, 1], of sum 1.

    Returns:
        a scalar, in nats.
    """
    return functional.kl_div(functional.log_softmax(logits, dim=1), probable, reduction="batchmean")


def trades(logits: Tensor, attacked: Tensor, labels: Tensor) -> Tensor:
    """Zhang et al. 2019, eq. 5, with 1/λ = 6.

    Args:
        logits: of the clean images, (N, classes).
        attacked: of the adversarial ones, (N, classes).
        labels: (N,), class numbers.

    Returns:
        a scalar.
    """
    apart = divergence(attacked, functional.softmax(logits, dim=1))
    return functional.cross_entropy(logits, labels) + TRADES_BETA * apart


def mart(logits: Tensor, attacked: Tensor, labels: Tensor) -> Tensor:
    """Misclassification-aware training: Wang et al. 2020, eq. 11, with λ = 5.

    Args:
        logits: of the clean images, (N, classes).
        attacked: of the adversarial ones, (N, classes).
        labels: (N,), class numbers.

    Returns:
        a scalar.
    """
    probable = functional.softmax(logits, dim=1)
    probable_attacked = functional.softmax(attacked, dim=1)
    of_label = probable.gather(1, labels[:, None])[:, 0]
    others = probable_attacked.scatter(1, labels[:, None], 0.0).amax(dim=1)
    boosted = functional.cross_entropy(attacked, labels) - torch.log(BELOW_ONE - others).mean()
    apart = functional.kl_div(
        functional.log_softmax(attacked, dim=1), probable, reduction="none"
    ).sum(dim=1)
    return boosted + MART_BETA * (apart * (1.0 - of_label)).mean()
