"""Block-wise K-FAC factors of a masked network, by hooks (Martens and Grosse 2015; for convolutions
Grosse and Martens 2016).

For each layer A = E[a aᵀ] over all rows, a being what goes into one output (a patch of a
convolution's input, with a constant 1 appended where there is a bias), and of G the diagonal, the
only part that the saliency reads: G_ii = E[Σ g_i²] over images, g the gradient of an image's own
loss with respect to output i, summed over its places. With A as a mean over places and G as a sum,
A ⊗ G is the curvature of Grosse and Martens 2016, and of the seed's code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from adapters.papers.mad.layers import Layer, Layers, hooked
from adapters.papers.mad.masks import masked_loss, own_gradients_aside

BUDGET = 64 * 2**20
"""Bytes of patches that stand in memory at a time, unless one row of outputs needs more."""


@dataclass(frozen=True)
class Factors:
    """Of one layer.

    Attributes:
        a: A of each group, (groups, columns, columns).
        g: the diagonal of G, (rows,).
    """

    a: Tensor
    g: Tensor


def factors_of(
    network: nn.Module,
    layers: Layers,
    masks: Mapping[str, Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    budget: int = BUDGET,
) -> list[Factors]:
    """The factors of each layer of the network with its weights masked, of one batch.

    One forward and one backward pass. The gradients of the layers' outputs are all that is read;
    where every parameter is frozen, the first layer's output is made to require one.

    Args:
        network: images (N, C, H, W) to logits (N, classes), in eval mode.
        layers: of it.
        masks: as `masks.optimised` gives them.
        images: adversarial, (N, C, H, W), in [0, 1].
        labels: (N,), class numbers.
        budget: bytes of patches that stand in memory at a time.

    Returns:
        in the order of `layers.every`.
    """
    sums = [_Sums(layer, len(images), budget) for layer in layers.every]
    with own_gradients_aside(network), hooked({each.layer.module: each.seen for each in sums}):
        loss = masked_loss(network, layers, masks, images, labels)
        loss.backward()
    return [each.means() for each in sums]


class _Sums:
    """Of one layer, over the calls of a pass."""

    def __init__(self, layer: Layer, images: int, budget: int) -> None:
        self.layer = layer
        self._images = images
        self._budget = budget
        self._rows = 0
        self._a: Tensor | None = None
        self._g: Tensor | None = None

    def seen(self, _: nn.Module, given: tuple[Tensor], output: Tensor) -> Tensor | None:
        """After the layer's forward pass."""
        with torch.no_grad():
            found, rows = covariance(self.layer, given[0].detach(), self._budget)
        self._rows += rows
        self._a = found if self._a is None else self._a.add_(found)
        if not torch.is_grad_enabled():  # the network itself calls it so: nothing descends to it
            return None
        made = None
        if not output.requires_grad:
            # A clone, so that what follows may work on it in place.
            output = made = output.detach().requires_grad_(True).clone()
        elif output._is_view():  # as of a linear layer on (N, places, features)
            # Working in place on a view makes autograd leave the view's node out of the graph.
            output = made = output.clone()
        # The node, not the tensor: an operation in place would move the tensor's hooks.
        assert output.grad_fn is not None
        output.grad_fn.register_hook(self._descended(output.ndim))
        return made

    def _descended(self, dimensions: int) -> Callable[..., None]:
        channels = 1 if not self.layer.linear and dimensions > 3 else -1
        if not self.layer.linear and dimensions == 3:
            channels = 0  # of a convolution of one image without its batch

        def take(_: Any, gradients: tuple[Tensor | None, ...]) -> None:
            (gradient,) = gradients
            if gradient is None:
                return
            squares = gradient.detach().movedim(channels, 0).flatten(1).square().sum(1)
            self._g = squares if self._g is None else self._g + squares

        return take

    def means(self) -> Factors:
        a, g = self._a, self._g
        assert a is not None  # every layer is called
        if g is None:  # called, and its output read by nothing
            g = torch.zeros(len(self.layer.module.weight), dtype=a.dtype, device=a.device)
        # The loss is a mean over images, so an image's own gradient is as many times larger.
        return Factors(a / self._rows, g * self._images)


def covariance(layer: Layer, given: Tensor, budget: int = BUDGET) -> tuple[Tensor, int]:
    """What A is the mean of, over one call of a layer.

    Args:
        layer, given, budget: as `patches_of` has them.

    Returns:
        Σ a aᵀ of each group, (groups, columns, columns), and how many places it sums over.
    """
    columns = layer.module.weight[0].numel() + (layer.module.bias is not None)
    total = given.new_zeros(layer.groups, columns, columns)
    places = 0
    for patches in patches_of(layer, given, budget):
        total.baddbmm_(patches.transpose(1, 2), patches)
        places += patches.shape[1]
        del patches  # before the next part is made
    return total, places


def patches_of(layer: Layer, given: Tensor, budget: int) -> Iterator[Tensor]:
    """What goes into each output of a layer, in parts of bounded size.

    Args:
        layer: a convolution or a linear layer.
        given: its input, (N, channels, H, W), or (..., features) of a linear layer.
        budget: bytes of a part, unless one row of outputs of one image needs more.

    Yields:
        (groups, places, columns), the places of all parts being all there are.
    """
    module = layer.module
    ones = module.bias is not None
    if isinstance(module, nn.Linear):
        flat = given.reshape(-1, module.in_features)
        size = max(1, budget // (flat.element_size() * (flat.shape[1] + ones)))
        for part in flat.split(size):
            yield _with_ones(part[None], ones)
        return
    given = given[None] if given.ndim == 3 else given
    amounts, mode = padding(module)
    sizes = given.shape[2] + sum(amounts[2:]), given.shape[3] + sum(amounts[:2])
    reach = [d * (k - 1) + 1 for d, k in zip(module.dilation, module.kernel_size, strict=True)]
    high, wide = (
        (size - r) // s + 1 for size, r, s in zip(sizes, reach, module.stride, strict=True)
    )
    column = module.in_channels * math.prod(module.kernel_size) + ones * module.groups
    column *= 2 * given.element_size()  # as they are unfolded, and in rows
    images = max(1, budget // (column * high * wide))
    rows = high if images > 1 else min(high, max(1, budget // (column * wide)))
    for some in given.split(images):
        padded = functional.pad(some, amounts, mode)
        for top in range(0, high, rows):
            first = top * module.stride[0]
            last = (min(top + rows, high) - 1) * module.stride[0] + reach[0]
            yield _with_ones(_unfolded(module, padded[:, :, first:last]), ones)


def padding(module: nn.Conv2d) -> tuple[list[int], str]:
    """How a convolution pads its input: amounts and mode, as `functional.pad` takes them."""
    if module.padding_mode != "zeros":
        return list(module._reversed_padding_repeated_twice), module.padding_mode
    # Not what the constructor worked out: some change padding and dilation of a finished layer.
    sums = [0, 0]
    if module.padding == "same":
        sums = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
    elif not isinstance(module.padding, str):
        sums = [2 * amount for amount in module.padding]
    high, wide = sums
    return [wide // 2, wide - wide // 2, high // 2, high - high // 2], "constant"


def _unfolded(module: nn.Conv2d, padded: Tensor) -> Tensor:
    """(groups, places, columns) of some images (n, channels, h, w)."""
    found = functional.unfold(
        padded, module.kernel_size, dilation=module.dilation, stride=module.stride
    )
    count, _, places = found.shape
    grouped = found.view(count, module.groups, -1, places).permute(1, 0, 3, 2)
    return grouped.reshape(module.groups, count * places, -1)


def _with_ones(patches: Tensor, ones: bool) -> Tensor:
    return functional.pad(patches, (0, 1), value=1.0) if ones else patches
