"""The model of a case, built and looked at: the building side, in the worker."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from adapters.base import AdapterError, UnsupportedSettings
from adapters.models import building, probing, weights
from adapters.models import custom as own_models
from adapters.models.dynamic.catalogue import NETWORKS
from bench.cases import AS_BUILT, Case
from bench.kinds.images.options import OnImages
from bench.worker.workload import select_device


@dataclass(frozen=True)
class Built:
    """A case's model.

    Attributes:
        model: images (N, C, H, W) in [0, 1] to logits (N, classes), in eval mode, on its device.
        own: as its user built it; the same but where its output is more than its logits.
        classes: how many logits a user's model gives; None of others, that are built for as many as
            are asked for.
        remarks: what a record says of it.
    """

    model: nn.Module
    own: nn.Module
    classes: int | None = None
    remarks: tuple[str, ...] = ()


def build_model(case: Case, seed: int, batch: Tensor) -> Built:
    """A case's model on its device, which becomes torch's current one.

    Args:
        case: what was asked.
        seed: of random weights.
        batch: images, to look at a user's model with.

    Raises:
        AdapterError: the device, the library, the model or the weights can't be used.
    """
    options = OnImages.of(case)
    select_device(case.device)
    if own_models.is_own(case.model):
        return _build_own(case, seed, batch)
    _, height, width = shape_of(options)
    model = building.build(
        case.model,
        height if height == width else (height, width),
        seed=seed,
        pretrained=case.weights == "pretrained",
        weights=None if case.weights in ("random", "pretrained") else Path(case.weights),
        classes=options.classes,
    ).to(device=case.device, dtype=getattr(torch, case.dtype))
    if case.model not in NETWORKS:  # its output is its logits
        return Built(model, model)
    probed = probing.probe(model, batch, case.model)
    return Built(probed.model, model, remarks=probed.remarks)


def _build_own(case: Case, seed: int, batch: Tensor) -> Built:
    """A user's model, looked at with a few images.

    Raises:
        AdapterError: it can't be built, run or attacked.
    """
    who = f"{own_models.OPTION} {case.model}"
    if case.weights == "pretrained":
        raise UnsupportedSettings(f"{who}: --pretrained is for timm's models; load them in it")
    model = own_models.build(case.model, seed=seed)
    if case.weights != AS_BUILT:
        file = Path(case.weights)
        weights.load(model, weights.read(file), file, case.model, "build it for")
    if any(tensor.is_meta for tensor in model.parameters()):
        raise UnsupportedSettings(f"{who} has parameters on the meta device, without values")
    try:
        model = model.eval().to(device=case.device, dtype=getattr(torch, case.dtype))
    except (RuntimeError, ValueError, TypeError) as error:
        raise AdapterError(
            f"{who} can't be brought to {case.device} as {case.dtype}: {own_models.spelt(error)}"
        ) from error
    probed = probing.probe(model, batch, who)
    return Built(probed.model, model, probed.classes, probed.remarks)


def check_trainable(case: Case, model: nn.Module, so: str) -> None:
    """Look whether some parameter requires a gradient, as the model was built.

    Args:
        case: what was asked.
        model: before anything is frozen.
        so: what follows where none does, for the error.

    Raises:
        UnsupportedSettings: none does.
    """
    every = list(model.parameters())
    if any(parameter.requires_grad for parameter in every):
        return
    why = "none of its parameters requires a gradient as it is built"
    if not every:
        why = (
            "it registers no parameters (modules in a plain list are not registered, those in an"
            " nn.ModuleList are)"
        )
    raise UnsupportedSettings(f"{own_models.OPTION} {case.model}: {why}, so {so}")


@contextlib.contextmanager
def flags_kept(model: nn.Module) -> Iterator[None]:
    """Afterwards each parameter requires a gradient if it did before."""
    before = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    yield
    for parameter, required in before:
        parameter.requires_grad_(required)


def shape_of(options: OnImages) -> tuple[int, int, int]:
    """(channels, height, width) of an image."""
    channels, height, width = options.input_shape
    return channels, height, width
