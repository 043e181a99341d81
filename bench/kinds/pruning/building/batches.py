"""In the worker: the order in which a network is shown what it is pruned with."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy
import torch
from torch import Tensor

from adapters import data
from bench.kinds.pruning.building.networks import Shown


def drawn(shown: Shown, batch: int, seed: int, number: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Minibatches of a pass over the images to train on; a last one that is not full is left out.

    Args:
        shown: the data.
        batch: images of a minibatch.
        seed: of the whole, and
        number: which pass it is: both draw the order.

    Yields:
        images (batch, C, H, W) as they are, and labels (batch,); on the CPU.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
    order = torch.randperm(len(shown.labels), generator=generator)
    for chosen in order.split(batch):
        if len(chosen) == batch:
            yield shown.images[chosen], shown.labels[chosen]


def augmented(shown: Shown, batch: int, seed: int, number: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The same, shifted and mirrored where the data are."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + number + 7919)
    for images, labels in drawn(shown, batch, seed, number):
        yield (data.augment(images, generator) if shown.augmented else images), labels


def seeded(seed: int, number: int) -> None:
    """Every generator that attacks and dropout draw from."""
    mixed = (seed * 1_000_003 + number * 7919) % 2**32
    random.seed(mixed)
    numpy.random.seed(mixed)
    torch.manual_seed(mixed)
