"""Adversarial saliency of weights: Lee et al. 2022, by second-order information of the adversarial
loss.

ΔL_ij = ½ · G_ii · Δw_ij · (Δw · A)_ij: what changing weight (i, j) by Δw_ij, with all others of its
row changed too, adds to the loss. The seed prints it as a loop over rows, each with an outer
product of which only the diagonal is kept; that diagonal is one matrix product a layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from adapters.papers.mad.factors import BUDGET, Factors, factors_of
from adapters.papers.mad.layers import Layers
from adapters.papers.mad.masks import STEPS, change, optimised


def added_loss(delta: Tensor, factors: Factors) -> Tensor:
    """ΔL of each weight of a layer.

    Args:
        delta: Δw, (rows, columns).
        factors: of the layer.

    Returns:
        (rows, columns).
    """
    grouped = delta.view(len(factors.a), -1, delta.shape[1])
    return 0.5 * factors.g[:, None] * delta * (grouped @ factors.a).view_as(delta)


def saliency_of(
    layers: Layers, masks: Mapping[str, Tensor], factors: Sequence[Factors]
) -> list[Tensor]:
    """ΔL of each layer's weights, (rows, columns), in the order of `layers.every`."""
    return [
        added_loss(delta, found)
        for delta, found in zip(change(layers, masks), factors, strict=True)
    ]


def batch_saliency(
    network: nn.Module,
    layers: Layers,
    adversarial: Tensor,
    labels: Tensor,
    *,
    mask_steps: int = STEPS,
    budget: int = BUDGET,
) -> list[Tensor]:
    """Masks, factors and closed form of one batch of adversarial images.

    Args:
        network: images (N, C, H, W) to logits (N, classes), in eval mode.
        layers: of it.
        adversarial: (N, C, H, W), in [0, 1].
        labels: (N,), class numbers.
        mask_steps: of Adam.
        budget: bytes of patches that stand in memory at a time.

    Returns:
        ΔL of each layer's weights, (rows, columns), in the order of `layers.every`.
    """
    masks = optimised(network, layers, adversarial, labels, steps=mask_steps)
    factors = factors_of(network, layers, masks, adversarial, labels, budget=budget)
    return saliency_of(layers, masks, factors)
