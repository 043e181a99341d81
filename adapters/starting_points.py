"""Images of another class, for attacks that walk back from one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from adapters.base import Settings, UnsupportedSettings

if TYPE_CHECKING:
    from torch import Tensor, nn


def find(model: nn.Module, settings: Settings) -> Callable[[Tensor], Tensor]:
    """Find two images of different classes among noise and plain colours.

    Returns:
        from labels (N,) to images (N, C, H, W) of another class each.

    Raises:
        UnsupportedSettings: the model takes all of them for the same class.
    """
    import torch

    channels = settings.input_shape[0]
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(16, *settings.input_shape, generator=generator)
    colours = torch.cartesian_prod(*[torch.tensor([0.0, 0.5, 1.0])] * channels)
    colours = colours.reshape(-1, channels, 1, 1).expand(-1, *settings.input_shape)
    images = torch.cat([noise, colours]).to(settings.device, getattr(torch, settings.dtype))
    with torch.no_grad():
        logits = torch.cat([model(part) for part in images.split(settings.batch)])
    usual = int(logits[0].argmax())
    lead = logits.amax(dim=1) - logits[:, usual]
    if not bool(lead.max() > 0):
        raise UnsupportedSettings(
            "this attack starts from an image of another class, and the model takes noise and"
            " plain colours all for the same one; trained weights will do better"
        )
    one, other = images[0], images[lead.argmax()]

    def start(labels: Tensor) -> Tensor:
        return torch.where((labels == usual)[:, None, None, None], other, one)

    return start
