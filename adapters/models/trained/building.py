"""Build a network of the catalogues by name: random weights from a seed, or a file's."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path

import torch

from adapters.base import AdapterError, UnsupportedSettings
from adapters.models import weights as loading
from adapters.models.trained import cache, catalogue
from adapters.models.trained.base import Trainable
from adapters.models.trained.catalogue import Network

CLASSES = 10
"""Where nobody says how many."""
SIZE = "size"
"""The argument of a class that is made for one size of images."""


def build(
    name: str,
    classes: int,
    seed: int,
    weights: Path | None = None,
    *,
    size: int | None = None,
) -> Trainable:
    """Build a network in eval mode on the CPU, every parameter requiring a gradient.

    Args:
        name: its name in the catalogue.
        classes: number of classes.
        seed: of the random weights.
        weights: a trained network's file, or any state dict that `adapters.models.weights` reads.
        size: side of its images, in pixels; None for the catalogue's.

    Raises:
        AdapterError: there is no such network, or the weights can't be read, are damaged, or are
            another network's.
        UnsupportedSettings: it can't be made for such images.
    """
    row = catalogue.network(name)
    state = None
    if weights is not None:
        _check(weights, name)
        state = loading.read(weights)
    torch.manual_seed(seed)
    try:
        made = _class(row)(classes=classes, **_arguments(row, size))
    except ValueError as error:
        raise UnsupportedSettings(f"{name} can't be built: {error}") from error
    if state is not None:
        assert weights is not None
        loading.load(made, state, weights, name, "build it for")
    return made.eval().requires_grad_(True)


def of_size(
    name: str,
    image_size: int | tuple[int, int],
    classes: int | None,
    seed: int,
    weights: Path | None = None,
) -> Trainable:
    """Build a network for images of some size; see `build`.

    Args:
        name: its name in the catalogue.
        image_size: side of the square images, or their height and width, in pixels.
        classes: number of classes; None for as many as its trained weights have, or 10.
        seed, weights: as `build` has them.

    Raises:
        AdapterError: as `build`.
        UnsupportedSettings: the images are not square.
    """
    height, width = (image_size,) * 2 if isinstance(image_size, int) else image_size
    if height != width:
        raise UnsupportedSettings(
            f"{name} is made for square images, not for {height}×{width}; give --image-size"
        )
    if classes is None:
        said = None if weights is None else cache.claimed(weights)
        classes = CLASSES if said is None else said.classes
    return build(name, classes, seed, weights, size=height)


def _check(weights: Path, name: str) -> None:
    """Look at what a file says of itself; one that is none of ours says nothing.

    Raises:
        AdapterError: it is another network's, or damaged.
    """
    said = cache.claimed(weights)
    if said is None:
        return
    if said.network != name:
        raise AdapterError(f"{weights} has weights of {said.network}, not of {name}")
    wrong = cache.fault(weights)
    if wrong is not None:
        raise AdapterError(f"{wrong}; remove it, or give other --weights")


def _class(row: Network) -> Callable[..., Trainable]:
    module, _, name = row.made.partition(":")
    found: Callable[..., Trainable] = getattr(importlib.import_module(module), name)
    return found


def _arguments(row: Network, size: int | None) -> dict[str, object]:
    """Its own, and the images' size where the class wants to know it."""
    found = dict(row.arguments)
    if size is not None and SIZE in inspect.signature(_class(row)).parameters:
        found[SIZE] = size
    return found
