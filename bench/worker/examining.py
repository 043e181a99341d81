"""In the worker: build the model that a user asks about, and examine it with images."""

from __future__ import annotations

import torch

from adapters.models import building, custom
from semibackward import Finding
from semibackward import examine as look_at

OPTION = "--model"
IMAGES = 2
USUAL_SIZE = 224
"""Pixels, where a model does not say what it was made for."""


def examine(model: str, image_size: int | None) -> tuple[list[Finding], list[int]]:
    """What `semi_backward` meets in a model, on the CPU.

    Args:
        model: a timm name, or FILE.py:NAME or package.module:NAME.
        image_size: side in pixels; None for what the model was made for.

    Returns:
        the findings, and the shape of the images tried.

    Raises:
        AdapterError: the model can't be had.
    """
    if ":" in model:
        size = image_size or USUAL_SIZE
        built = custom.build(model, OPTION)
    else:
        size = image_size or building.image_size(model)
        built = building.build(model, size, seed=0)
    images = torch.rand(IMAGES, 3, size, size, generator=torch.Generator().manual_seed(0))
    parameter = next((p for p in built.parameters() if p.is_floating_point()), images)
    return look_at(built, images.to(parameter.device, parameter.dtype)), list(images.shape)
