"""In the worker: the network that a case attacks, and the images that it is attacked with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from adapters import data
from adapters.base import AdapterError, UnsupportedSettings
from adapters.models import custom as own_models
from adapters.models import weights as loading
from adapters.models.dynamic import checking
from adapters.models.dynamic.checking import Dynamic
from adapters.models.trained import building, cache
from bench import program
from bench.cases import AS_BUILT, Case
from bench.kinds.energy.options import TRAINED, EnergyOptions
from bench.worker.workload import select_device
from semibackward_bench.grammar import counted


@dataclass(frozen=True)
class Attacked:
    """A network on its device, looked at.

    Attributes:
        model: as it was built; its output tells logits, gates and executed operations.
        dynamic: how to read that.
        source: where its weights come from, in words.
        file: of these weights; None without one.
    """

    model: nn.Module
    dynamic: Dynamic
    source: str
    file: Path | None = None


@dataclass(frozen=True)
class Pictures:
    """What is attacked.

    Attributes:
        images: (N, C, H, W), in [0, 1], on the device.
        labels: (N,), the data set's, or what the network says of the clean images.
        remarks: what a record says of them.
    """

    images: Tensor
    labels: Tensor
    remarks: tuple[str, ...] = ()


def attacked(case: Case, seed: int, images: Tensor) -> Attacked:
    """A case's network, in eval mode.

    Args:
        case: what was asked.
        seed: that it was trained with, or of a user's random weights.
        images: (N, C, H, W) to look at it with.

    Raises:
        AdapterError: the device, the network or its weights can't be used.
    """
    select_device(case.device)
    return other(case, case.model, case.weights, seed, images)


def other(case: Case, name: str, weights: str, seed: int, images: Tensor) -> Attacked:
    """A network by name, as `attacked`; for a case that tries its perturbed images on another.

    Args:
        case: whose device, dtype and data it shares.
        name: of the catalogue, or a user's FILE.py:NAME.
        weights: as `Case.weights`.
        seed, images: as `attacked`.
    """
    options = EnergyOptions.of(case)
    who = f"{own_models.OPTION} {name}"
    file: Path | None = None
    if own_models.is_own(name):
        model = own_models.build(name, seed=seed)
        source = "as its builder made them"
        if weights != AS_BUILT:
            file = Path(weights)
            loading.load(model, loading.read(file), file, name, "build it for")
            source = str(file)
    elif weights == TRAINED:
        file = cache.path(name, options.data, options.classes, seed)
        if not cache.ready(file):
            raise UnsupportedSettings(
                f"{name} has not been trained on {options.data} with seed {seed}:"
                f" {cache.fault(file)}; `{program.command('energy', '--models', name)}` trains it"
            )
        model = building.build(name, options.classes, seed, file, size=options.input_shape[-1])
        source = f"trained on {options.data}, seed {seed}"
    else:
        file = Path(weights)
        model = building.build(name, options.classes, seed, file, size=options.input_shape[-1])
        source = str(file)
    try:
        model = model.eval().to(device=case.device, dtype=getattr(torch, case.dtype))
    except (RuntimeError, ValueError, TypeError) as error:
        raise AdapterError(
            f"{who} can't be brought to {case.device} as {case.dtype}: {own_models.spelt(error)}"
        ) from error
    return Attacked(model, checking.look(model, images, who), source, file)


def pictures(case: Case, seed: int, count: int) -> Tensor:
    """Test images of the case's data in the shape of its network, on its device; drawn by the seed.

    Args:
        case: what was asked.
        seed: draws them.
        count: how many; fewer where there are fewer.

    Raises:
        AdapterError: the data can't be read, or not be brought into that shape.
    """
    return _drawn(case, seed, count)[0]


def labelled(case: Case, seed: int, count: int, found: Attacked) -> Pictures:
    """The same with labels: the data's, or what a network for other classes says of them itself.

    Args:
        case, seed, count: as `pictures`.
        found: the network.
    """
    images, labels = _drawn(case, seed, count)
    options = EnergyOptions.of(case)
    remarks: tuple[str, ...] = ()
    if found.dynamic.classes != options.classes:
        with torch.no_grad():
            labels = torch.cat(
                [
                    found.dynamic.read(found.model(few)).logits.argmax(1)
                    for few in images.split(case.batch)
                ]
            )
        remarks = (
            f"the network has {counted(found.dynamic.classes, 'class', 'classes')} and"
            f" {options.data} {options.classes}:"
            " what it says of the clean images stands for labels",
        )
    return Pictures(images, labels, remarks)


def _drawn(case: Case, seed: int, count: int) -> tuple[Tensor, Tensor]:
    options = EnergyOptions.of(case)
    images, labels = data.drawn(options.data, seed, count, options.input_shape)
    return images.to(case.device, getattr(torch, case.dtype)), labels.to(case.device)
