"""In the worker: the network of a case, and the images that it is pruned with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from adapters import data
from adapters.base import AdapterError, Settings, UnsupportedSettings
from adapters.models import building, probing
from adapters.models import custom as own_models
from adapters.models import weights as loading
from adapters.models.outputs import Logits
from adapters.models.trained import cache
from adapters.papers.mad.layers import Layers, layers_of
from bench import program
from bench.cases import AS_BUILT, Case
from bench.kinds.pruning.options import RANDOM, TRAINED, UNTRAINED, PruningOptions
from bench.worker.workload import select_device
from semibackward_bench.grammar import counted


@dataclass(frozen=True)
class Prunable:
    """A network on its device, and what of it can be pruned.

    Attributes:
        model: images to logits, in eval mode.
        own: the same as its user built it, whose state dict is kept.
        layers: of the model.
        source: where its weights come from, in words.
        remarks: what a record says of it.
    """

    model: nn.Module
    own: nn.Module
    layers: Layers
    source: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shown:
    """What a network is pruned with, in the shape that it takes; on the CPU.

    Attributes:
        images, labels: to train on, (N, C, H, W) in [0, 1], and (N,).
        test_images, test_labels: to judge by.
        augmented: whether training images are shifted and mirrored.
    """

    images: data.Images
    labels: Tensor
    test_images: data.Images
    test_labels: Tensor
    augmented: bool


def prunable(case: Case, seed: int, images: Tensor) -> Prunable:
    """A case's network.

    Args:
        case: what was asked.
        seed: that it was trained with, or of its random weights.
        images: some, on the device, to look with.

    Raises:
        AdapterError: the device, the network or its weights can't be used, or nothing of it be
            pruned.
    """
    select_device(case.device)
    options = PruningOptions.of(case)
    own, source = _built(case, seed)
    who = f"{own_models.OPTION} {case.model}"
    try:
        own = own.eval().to(device=case.device, dtype=getattr(torch, case.dtype))
    except (RuntimeError, ValueError, TypeError) as error:
        raise AdapterError(
            f"{who} can't be brought to {case.device} as {case.dtype}: {own_models.spelt(error)}"
        ) from error
    probed = probing.probe(own, images, who)
    if probed.classes != options.classes:
        raise UnsupportedSettings(
            f"{who} has {counted(probed.classes, 'class', 'classes')}, and {options.data} has"
            f" {options.classes}: it can't be trained on it"
        )
    layers = layers_of(probed.model, images)
    return Prunable(probed.model, own, layers, source, (*probed.remarks, *_left(layers)))


def shown(case: Case) -> Shown:
    """The case's data in the shape that its network takes.

    Raises:
        AdapterError: they can't be read, or not be brought into that shape.
    """
    options = PruningOptions.of(case)
    read = data.load(options.data)
    parts = [
        part if tuple(part.shape[1:]) == options.input_shape else _shaped(part, options)
        for part in (read.images, read.test_images)
    ]
    return Shown(parts[0], read.labels, parts[1], read.test_labels, read.facts.augmented)


def settings_of(case: Case) -> Settings:
    """What the attacks of a case are told."""
    options = PruningOptions.of(case)
    channels, height, width = options.input_shape
    return Settings(
        eps=options.eps,
        step_size=None,
        steps=options.steps,
        random_start=True,
        batch=case.batch,
        input_shape=(channels, height, width),
        classes=options.classes,
        dtype=case.dtype,
        device=case.device,
    )


def on_device(case: Case, images: Tensor) -> Tensor:
    """Images where the network is, in its dtype."""
    return images.to(case.device, getattr(torch, case.dtype))


def in_own_names(found: Prunable, named: dict[str, Tensor]) -> dict[str, Tensor]:
    """Values by the names that the user's own network has for its parameters."""
    wrapped = found.model is not found.own and isinstance(found.model, Logits)
    return {n.removeprefix("model.") if wrapped else n: value for n, value in named.items()}


def _shaped(part: data.Images, options: PruningOptions) -> Tensor:
    return data.in_shape(part[:], options.input_shape)


def _left(layers: Layers) -> list[str]:
    """What a record says of what stays dense."""
    if not layers.dense:
        return []
    (name, why), *more = layers.dense.items()
    others = f", and {counted(len(more), 'other')}" if more else ""
    return [f"left dense: {name}, which {why}{others}"]


def _built(case: Case, seed: int) -> tuple[nn.Module, str]:
    """The network on the CPU, and where its weights come from."""
    options = PruningOptions.of(case)
    name, weights = case.model, case.weights
    if own_models.is_own(name):
        model = own_models.build(name, seed=seed)
        if weights == AS_BUILT:
            return model, "as its builder made them"
        file = Path(weights)
        loading.load(model, loading.read(file), file, name, "build it for")
        return model, weights
    _, height, width = options.input_shape
    source, place = weights, None if weights == RANDOM else Path(weights)
    if weights == TRAINED:
        place = _trained(case, seed)
        source = f"{options.pretraining} training on {options.data}, seed {seed}"
    model = building.build(name, (height, width), seed=seed, weights=place, classes=options.classes)
    return model, "drawn" if weights == RANDOM else source


def _trained(case: Case, seed: int) -> Path:
    """The file of a network that its recipe made.

    Raises:
        UnsupportedSettings: it is not there.
    """
    options = PruningOptions.of(case)
    assert options.pretraining != UNTRAINED  # the kind makes no other cases of it
    file = cache.path(case.model, options.data, options.classes, seed, method=options.pretraining)
    if not cache.ready(file):
        raise UnsupportedSettings(
            f"{case.model} has not been trained on {options.data} with seed {seed}:"
            f" {cache.fault(file)};"
            f" `{program.command('prune', '--models', case.model)}` trains it"
        )
    return file
