"""`channels-last`: the memory format that convolutions of many backends are quickest in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from adapters.base import UnsupportedSettings
from bench.variants.base import Part, Way

if TYPE_CHECKING:
    from torch import Tensor, nn

_PLANES = 4
"""Dimensions of the weights of a convolution of images."""


class ChannelsLast(Part):
    """Weights of convolutions lie in memory with their channels last, and so do activations then.

    Both layouts are kept, and the parameters look at one or the other: their addresses stay as they
    are, which captured graphs rely on, and no run pays for converting them.
    """

    name = "channels-last"
    told = "weights of convolutions in memory with their channels last"
    turn = 1

    def shape(self, way: Way) -> None:
        import torch

        planes = [p for p in way.model.parameters() if p.dim() == _PLANES]
        if not planes:
            raise UnsupportedSettings(
                f"{self.name}: the model has no weights of four dimensions to lay out otherwise"
            )
        laid_out = [p.data.contiguous(memory_format=torch.channels_last) for p in planes]
        way.inside(lambda: _looking_at(planes, laid_out))

    def lines(self, device: str) -> Sequence[str]:
        return ("model.to(memory_format=torch.channels_last)",)


@contextlib.contextmanager
def _looking_at(parameters: Sequence[nn.Parameter], others: Sequence[Tensor]) -> Iterator[None]:
    """The block in which parameters are these tensors, of the same values."""
    before = [parameter.data for parameter in parameters]
    try:
        for parameter, other in zip(parameters, others, strict=True):
            parameter.data = other
        yield
    finally:
        for parameter, own in zip(parameters, before, strict=True):
            parameter.data = own
