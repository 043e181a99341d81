"""What a network that may draw at random says of images, and how far it can be believed. Imports
torch only."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from adapters.base import UnsupportedSettings
from adapters.papers.sap import attack

BINS = 15
"""Of confidences, as Guo et al. 2017 have it."""


@dataclass(frozen=True)
class ReliabilityBin:
    """The images whose confidence falls into one bin.

    Attributes:
        images: how many.
        confidence: the mean of theirs; 0 without any.
        accuracy: the share that is classified rightly; 0 without any.
    """

    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Reliability:
    """How outputs and labels agree.

    Attributes:
        images: how many.
        right: how many are classified rightly.
        error: expected calibration error, from 0 to 1 (Guo et al. 2017, eq. 3).
        bins: of equal width over confidences from 0 to 1.
    """

    images: int
    right: int
    error: float
    bins: list[ReliabilityBin]


@torch.no_grad()
def averaged(model: nn.Module, images: Tensor, *, passes: int = 1, chunk: int = 1) -> Tensor:
    """Outputs averaged over forward passes (section 4): the mean of the classes' probabilities.

    Args:
        model: images to logits (N, classes).
        images: (N, C, H, W).
        passes: how many, 1 or more.
        chunk: passes that are made side by side in one, 1 or more.

    Returns:
        (N, classes), float32 at least; each row adds up to 1.

    Raises:
        UnsupportedSettings: there are no passes.
    """
    if passes < 1 or chunk < 1:
        raise UnsupportedSettings(f"passes = {passes} and chunk = {chunk} must be at least 1")
    total: Tensor | None = None
    for size in attack.passes(passes, chunk):
        logits = model(torch.cat([images] * size) if size > 1 else images)
        wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
        found = wide.softmax(1).view(size, len(images), -1).sum(0)
        total = found if total is None else total + found
    assert total is not None
    return total / passes


def reliability(probabilities: Tensor, labels: Tensor, bins: int = BINS) -> Reliability:
    """Accuracy against confidence (Guo et al. 2017, section 2).

    A bin holds confidences above its lower end and up to its upper one; what is confidence 0 is in
    the first.

    Args:
        probabilities: (N, classes), of one image at least.
        labels: (N,).
        bins: how many, 1 or more.

    Raises:
        UnsupportedSettings: a probability is not finite.
    """
    confidences, classes = probabilities.detach().double().cpu().max(1)
    if not bool(torch.isfinite(probabilities).all()):
        raise UnsupportedSettings(
            "the network's outputs are not finite, so they have no confidence"
        )
    right = classes == labels.cpu()
    places = (confidences * bins).ceil().long().sub_(1).clamp_(0, bins - 1)
    found = []
    error = 0.0
    for place in range(bins):
        inside = places == place
        images = int(inside.sum())
        if not images:
            found.append(ReliabilityBin(0, 0.0, 0.0))
            continue
        confidence = float(confidences[inside].mean().clamp(0, 1))
        accuracy = int(right[inside].sum()) / images
        error += images / len(labels) * abs(accuracy - confidence)
        found.append(ReliabilityBin(images, confidence, accuracy))
    return Reliability(len(labels), int(right.sum()), min(1.0, error), found)
