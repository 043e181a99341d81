"""What each defence makes of an activation map or of a weight tensor. Imports torch only."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from adapters.papers.sap import pruning
from adapters.papers.sap.methods import Defence
from adapters.papers.sap.placing import Change

Generator = torch.Generator | None


def change(defence: Defence, generator: Generator = None) -> Change:
    """What a defence does in place of a tensor.

    Args:
        defence: but the dense one.
        generator: that it draws with; None for the device's own.

    Returns:
        from activation maps (N, ...), or from a weight tensor, to the same shape and dtype; what it
        draws is constant to a gradient.
    """
    made = _CHANGES[defence.name]
    return lambda tensor: made(tensor, defence, generator)


def _pruned_map(h: Tensor, defence: Defence, generator: Generator) -> Tensor:
    """SAP (section 3)."""
    return pruning.pruned(h, defence.value, fast=defence.fast, generator=generator)


def _pruned_weight(weight: Tensor, defence: Defence, generator: Generator) -> Tensor:
    """SWP: entries of the whole tensor are drawn by their size (appendix B.4)."""
    row = weight.reshape(1, -1)
    return pruning.pruned(row, defence.value, fast=defence.fast, generator=generator).reshape(
        weight.shape
    )


def _dropped(h: Tensor, defence: Defence, generator: Generator) -> Tensor:
    """Dropout of a trained network, in any mode (section 4.1.2): each entry is dropped with a
    probability of the rate, the others are divided by 1 - rate."""
    stay = 1 - defence.value
    if not stay:
        return h * 0
    u = pruning.uniform(_wide(h), generator)
    return (h * torch.le(u, stay, out=u).div_(stay)).to(h.dtype)


def _noisy(tensor: Tensor, defence: Defence, generator: Generator) -> Tensor:
    """RNW and RNA: M(t) = t + N(0, s) (appendices B.1 and B.5)."""
    return (tensor + _normal(tensor, generator).mul_(defence.value)).to(tensor.dtype)


def _scaled(tensor: Tensor, defence: Defence, generator: Generator) -> Tensor:
    """RSW and RSA: M(t) = t · N(1, s) (appendices B.2 and B.6)."""
    return (tensor * _normal(tensor, generator).mul_(defence.value).add_(1)).to(tensor.dtype)


def _strongest(weight: Tensor, defence: Defence, generator: Generator) -> Tensor:
    """DWP: k % of a tensor's entries stay, the largest in absolute value (appendix B.3)."""
    sizes = _wide(weight).abs().flatten()
    stay = max(1, round(len(sizes) * defence.value / 100))
    mask = torch.zeros_like(sizes)
    mask[sizes.topk(stay).indices] = 1
    return weight * mask.view(weight.shape).to(weight.dtype)


def _normal(like: Tensor, generator: Generator) -> Tensor:
    """Standard normal numbers, of a tensor's shape."""
    pruning.check_generator(generator, like)
    wide = _wide(like)
    return torch.randn(wide.shape, dtype=wide.dtype, device=wide.device, generator=generator)


def _wide(tensor: Tensor) -> Tensor:
    """Without a gradient, and in float32 at least: a half has too few bits to draw with."""
    return tensor.detach().to(torch.promote_types(tensor.dtype, torch.float32))


_CHANGES: Mapping[str, Callable[[Tensor, Defence, Generator], Tensor]] = {
    "sap": _pruned_map,
    "dropout": _dropped,
    "rnw": _noisy,
    "rsw": _scaled,
    "dwp": _strongest,
    "swp": _pruned_weight,
    "rna": _noisy,
    "rsa": _scaled,
}
