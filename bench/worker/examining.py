"""In the worker: build the model that a user asks about, and examine it with images."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from adapters.base import AdapterError
from adapters.models import building, custom
from semibackward import Finding
from semibackward import examine as look_at
from semibackward.restoring import restored
from semibackward_bench.grammar import counted

OPTION = "--model"
IMAGES = 2
USUAL_SIZE = 224
"""Pixels, where a model does not say what it was made for."""
USUAL_SHAPES = ((3, 32, 32), (1, 28, 28), (3, 224, 224), (1, 32, 32), (3, 64, 64), (3, 299, 299))
"""Tried in turn where a model fails with another."""


def examine(
    model: str, image_size: int | None, shape: Sequence[int] | None = None
) -> tuple[list[Finding], list[int]]:
    """What `semi_backward` meets in a model, on the CPU.

    Args:
        model: a timm name, or FILE.py:NAME or package.module:NAME.
        image_size: side in pixels; None for what the model was made for.
        shape: of an image, (channels, height, width); None for what the model declares.

    Returns:
        the findings, and the shape of the images tried; of a model that can't be built, the reason
        alone, and no shape.

    Raises:
        custom.NotThere: its module has no model of that name.
    """
    try:
        built, images = _built(model, image_size, shape)
    except custom.NotThere:
        raise
    except AdapterError as error:
        said = str(error).removeprefix(f"{OPTION} {model}").lstrip(": ")
        return [Finding("mend", "model", said)], []
    found = [*_initialised(built, images), *look_at(built, images)]
    return [_with_shape(each, built, images.shape[1:]) for each in found], list(images.shape)


def _built(
    model: str, image_size: int | None, shape: Sequence[int] | None
) -> tuple[nn.Module, Tensor]:
    """A model, and images to try it with.

    Raises:
        AdapterError: the model can't be had, or what it declares is no shape.
    """
    if custom.is_own(model):
        built = custom.build(model, OPTION)
        shape = shape or _shape(custom.declared_shape(model), image_size)
    else:
        shape = shape or _shape(None, image_size or building.image_size(model))
        built = building.build(model, max(shape[1:]), seed=0)
    return built, _images(built, shape)


def _shape(declared: tuple[int, int, int] | None, side: int | None) -> tuple[int, int, int]:
    channels, height, width = declared or (3, USUAL_SIZE, USUAL_SIZE)
    return channels, side or height, side or width


def _images(model: nn.Module, shape: Sequence[int]) -> Tensor:
    images = torch.rand(IMAGES, *shape, generator=torch.Generator().manual_seed(0))
    floating = (p for p in model.parameters() if p.is_floating_point())
    parameter = next(floating, images)
    return images.to(parameter.device, parameter.dtype)


def _initialised(model: nn.Module, images: Tensor) -> list[Finding]:
    """Let a forward pass give parameters their shapes; one that fails will fail once more."""
    lazy = sum(map(is_lazy, model.parameters()))
    if lazy:
        with torch.no_grad(), contextlib.suppress(Exception):
            model(images)
    left = sum(map(is_lazy, model.parameters()))
    if lazy == left:
        return []
    said = (
        f"{counted(lazy - left, 'parameter')} had no shape until a forward pass with these images"
    )
    return [Finding("note", "lazy", f"{said}; make one before you freeze them")]


def _with_shape(finding: Finding, model: nn.Module, tried: Sequence[int]) -> Finding:
    """With a shape that the model takes added, where it fails for the one that was tried."""
    if finding.what != "dry run" or "fails as" not in finding.said or "examine(" in finding.said:
        return finding
    if _takes(model, tried):  # so it is the gradient that it fails for
        return finding
    takes = next((shape for shape in USUAL_SHAPES if _takes(model, shape)), None)
    if takes is None:
        said = "if it is made for images of another shape, give it, as --input 1x28x28"
    else:
        said = f"it takes images of another shape: --input {'x'.join(map(str, takes))}"
    return replace(finding, said=f"{finding.said}; {said}")


def _takes(model: nn.Module, shape: Sequence[int]) -> bool:
    with restored(model), torch.no_grad():
        try:
            model(_images(model, shape))
        except (Exception, SystemExit):  # whatever it says: it does not take them
            return False
    return True
