"""Masks that are optimised against adversarial images: Lee et al. 2022, "mask optimization".

Every weight of a layer that can be pruned gets a mask m and works as w · softplus(m). Masks start
where softplus(m) = 1 and are clamped to where it is between 0 and 1; Adam descends the
cross-entropy of the adversarial batch by them. What is left, Δw = w - w · softplus(m), is the
change whose damage the saliency estimates.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from adapters.papers.mad.layers import Layers

STEPS, RATE = 20, 0.1
"""Of Adam, as the seed's code has them."""
FLOOR = 1e-4
"""softplus(m) where it is clamped: at 0 itself m would be minus infinity."""
LOWEST, HIGHEST = (math.log(math.expm1(value)) for value in (FLOOR, 1.0))
"""m where softplus(m) is the floor, and 1."""


def optimised(
    network: nn.Module,
    layers: Layers,
    images: Tensor,
    labels: Tensor,
    *,
    steps: int = STEPS,
    rate: float = RATE,
) -> dict[str, Tensor]:
    """The masks of one batch.

    The network's own parameters and their `.grad` are left as they are: what of them requires a
    gradient gets one computed, and thrown away.

    Args:
        network: images (N, C, H, W) to logits (N, classes), in eval mode.
        layers: of it.
        images: adversarial, (N, C, H, W), in [0, 1].
        labels: (N,), class numbers.
        steps, rate: of Adam.

    Returns:
        of each of the layers' parameters, by name and in its shape, its mask m, detached.

    Raises:
        ArithmeticError: the loss is not finite.
    """
    masks = {
        name: torch.full_like(value, HIGHEST, requires_grad=True)
        for name, value in layers.parameters.items()
    }
    optimizer = torch.optim.Adam(list(masks.values()), lr=rate)
    with own_gradients_aside(network) as clear:
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            clear()
            loss = masked_loss(network, layers, masks, images, labels)
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for mask in masks.values():
                    mask.clamp_(LOWEST, HIGHEST)
    found = {name: mask.detach() for name, mask in masks.items()}
    if not all(bool(mask.isfinite().all()) for mask in found.values()):
        raise ArithmeticError("the loss of the masked network is not finite; check its weights")
    return found


@contextlib.contextmanager
def own_gradients_aside(network: nn.Module) -> Iterator[Callable[[], None]]:
    """Inside the block a network's parameters begin without a `.grad`; after it each has its own
    again. What is frozen gets none, so that nobody looks there.

    Yields:
        what takes away those that came meanwhile.
    """
    before = [(one, one.grad) for one in network.parameters() if one.requires_grad]

    def clear() -> None:
        for parameter, _ in before:
            parameter.grad = None

    clear()
    try:
        yield clear
    finally:
        for parameter, gradient in before:
            parameter.grad = gradient


def masked_loss(
    network: nn.Module,
    layers: Layers,
    masks: Mapping[str, Tensor],
    images: Tensor,
    labels: Tensor,
) -> Tensor:
    """Cross-entropy of the network with its weights masked, a scalar.

    Args:
        network, layers, images, labels: as `optimised` has them.
        masks: m of each of the layers' parameters.
    """
    given = layers.parameters
    worn = {name: given[name] * functional.softplus(mask) for name, mask in masks.items()}
    return functional.cross_entropy(called_with(network, worn, images), labels)


def called_with(network: nn.Module, parameters: Mapping[str, Tensor], images: Tensor) -> Tensor:
    """Logits of a network with other parameters in the place of some of its own."""
    call: Any
    if hasattr(torch, "func"):
        call = torch.func.functional_call
    else:  # torch < 2.0
        from torch.nn.utils.stateless import functional_call as call
    logits: Tensor = call(network, dict(parameters), (images,))
    return logits


def change(layers: Layers, masks: Mapping[str, Tensor]) -> list[Tensor]:
    """Δw = w - w · softplus(m) of each layer, as its matrix (rows, columns)."""
    found = []
    for layer in layers.every:
        weights = layer.weights()
        scales = layer.matrix({name: functional.softplus(masks[name]) for name in layer.parameters})
        found.append(weights - weights * scales)
    return found
