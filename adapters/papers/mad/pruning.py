"""Which weights go, and how they are kept at zero: Lee et al. 2022, step 2.

Weights are ranked over all layers together, but for the last linear layer, where they are ranked
row by row, so that every class keeps some.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from adapters.base import UnsupportedSettings
from adapters.papers.mad.layers import Layer, Layers
from adapters.papers.mad.methods import Criterion, pruned_of

Kept = Mapping[str, Tensor]
"""Of each parameter that is pruned, by name and in its shape, bool: what stays."""


def kept_of(
    layers: Layers,
    criterion: Criterion,
    percent: float,
    saliency: Sequence[Tensor],
    seed: int,
) -> dict[str, Tensor]:
    """What stays of each of the layers' parameters.

    Args:
        layers: of the network.
        criterion: by which weights go.
        percent: the share that goes, between 0 and 1.
        saliency: of each layer, (rows, columns), for the criteria that read it.
        seed: of what is drawn.

    Raises:
        UnsupportedSettings: the share is none.
    """
    if not 0 < percent < 1:
        raise UnsupportedSettings(f"{percent:g} of the weights: give a share between 0 and 1")
    scores = _scores(layers, criterion, saliency, seed)
    last = layers.last
    pooled = [n for n, layer in enumerate(layers.every) if layer is not last]
    stays: dict[int, Tensor] = {}
    if pooled:
        sizes = [scores[n].numel() for n in pooled]
        together = torch.cat([scores[n].flatten() for n in pooled])
        for n, part in zip(pooled, _highest(together, percent).split(sizes), strict=True):
            stays[n] = part.view_as(scores[n])
    kept: dict[str, Tensor] = {}
    for n, layer in enumerate(layers.every):
        found = stays[n] if n in stays else _highest(scores[n], percent)
        kept |= layer.parts(found)
    return kept


def _scores(
    layers: Layers, criterion: Criterion, saliency: Sequence[Tensor], seed: int
) -> list[Tensor]:
    """Of each layer, (rows, columns): the lowest go first."""
    if criterion == "mad":
        return [one.clone() for one in saliency]
    if criterion == "largest":
        return [-one for one in saliency]
    if criterion == "magnitude":
        return [layer.weights().abs() for layer in layers.every]
    generator = torch.Generator().manual_seed(seed)
    drawn = []
    for layer in layers.every:
        like = layer.weights()
        drawn.append(torch.rand(like.shape, generator=generator).to(like))
    return drawn


def _highest(scores: Tensor, percent: float) -> Tensor:
    """All but the lowest, along the last dimension; bool. Of equals the first go."""
    count = scores.shape[-1]
    order = scores.sort(dim=-1, stable=True).indices
    lowest = order[..., : pruned_of(percent, count)]
    return torch.ones_like(scores, dtype=torch.bool).scatter_(-1, lowest, False)


def put_on(network: nn.Module, kept: Kept) -> None:
    """Set what does not stay to zero, for good."""
    for name, mask in kept.items():
        owner, _, what = name.rpartition(".")
        module = network.get_submodule(owner)
        prune.custom_from_mask(module, what, mask.to(getattr(module, what)))
        prune.remove(module, what)


class HeldSGD(torch.optim.SGD):
    """Stochastic gradient descent that leaves pruned weights, and their momentum, at zero.

    Args:
        network: that is trained; its pruned weights are zero.
        kept: what stays of its parameters.
        keywords: of `torch.optim.SGD`.
    """

    def __init__(self, network: nn.Module, kept: Kept, **keywords: Any) -> None:
        super().__init__(network.parameters(), **keywords)
        named = dict(network.named_parameters())
        self._gone = [(named[name], ~mask.to(named[name].device)) for name, mask in kept.items()]

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """As torch has it; gradients of what is pruned are zeroed first, also those that are not
        finite. Weight decay of a zero is zero, so that is all there is to hold."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for parameter, gone in self._gone:
            if parameter.grad is not None:
                parameter.grad.masked_fill_(gone, 0.0)
        super().step()
        return loss

    def __getstate__(self) -> dict[str, Any]:
        """What a deep copy takes along: torch's own optimisers leave out all but their own."""
        state: dict[str, Any] = super().__getstate__()
        return state | {"_gone": self._gone}


def sparsity(layers: Layers, kept: Kept) -> dict[str, tuple[int, int]]:
    """Of each layer, by name: how many weights it has, biases with them, and how many stay."""
    return {layer.name: _counts(layer, kept) for layer in layers.every}


def _counts(layer: Layer, kept: Kept) -> tuple[int, int]:
    masks = [kept[name] for name in layer.parameters]
    return sum(mask.numel() for mask in masks), sum(int(mask.sum()) for mask in masks)
