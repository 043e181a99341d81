"""In the worker: the network that a case attacks, defended, and what it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from adapters import data
from adapters.agents import checkpoints, kept, playing
from adapters.base import AdapterError, UnsupportedSettings
from adapters.models import building as of_images
from adapters.models import custom as own_models
from adapters.models import probing
from adapters.models import weights as loading
from adapters.models.classifiers.catalogue import NETWORKS
from adapters.models.trained import building, cache
from adapters.papers.sap import methods
from adapters.papers.sap.defending import Defended
from bench import program
from bench.cases import AS_BUILT, Case
from bench.kinds.sampling.options import AGENT, RANDOM, TRAINED, SamplingOptions
from bench.worker.workload import select_device
from semibackward_bench.grammar import counted


@dataclass(frozen=True)
class Attacked:
    """A network on its device, its defence, and what it is shown.

    Attributes:
        model: defended; it takes images, and returns logits, or an agent's values.
        dense: the same without its defence.
        source: where its weights come from, in words.
        images: (N, C, H, W), in [0, 1], on the device.
        labels: (N,), the data set's; or what the undefended network says of the images itself,
            where it is an agent or has other classes.
        remarks: what a record says of all that.
    """

    model: Defended
    dense: nn.Module
    source: str
    images: Tensor
    labels: Tensor
    remarks: tuple[str, ...] = ()


def attacked(case: Case, seed: int, count: int, *, filled: bool = False) -> Attacked:
    """A case's network, in eval mode, and test images, or what its agent observes.

    Args:
        case: what was asked.
        seed: draws the images; that the network was trained with, or of its random weights.
        count: how many; fewer where there are fewer.
        filled: repeat images where there are fewer, as for what only the time is asked of.

    Raises:
        AdapterError: the device, the network, its weights, the data or the environment can't be
            used.
    """
    select_device(case.device)
    options = SamplingOptions.of(case)
    dtype = getattr(torch, case.dtype)
    labels: Tensor | None = None
    remarks: list[str] = []
    if options.environment is None:
        images, labels = data.drawn(options.data, seed, count, options.input_shape)
        labels = labels.to(case.device)
        if filled and len(labels) < count:
            there = counted(len(labels), "test image")
            remarks.append(f"{options.data} has {there}: they are repeated")
            again = torch.arange(count) % len(labels)
            images, labels = images[again], labels[again]
    else:
        images = playing.observations(options.environment, count, seed)
    images = images.to(case.device, dtype)
    model, source = _built(case, seed)
    who = f"{own_models.OPTION} {case.model}"
    try:
        model = model.eval().to(device=case.device, dtype=dtype)
    except (RuntimeError, ValueError, TypeError) as error:
        raise AdapterError(
            f"{who} can't be brought to {case.device} as {case.dtype}: {own_models.spelt(error)}"
        ) from error
    probed = probing.probe(model, images, who)
    remarks += probed.remarks
    if labels is None or probed.classes != options.classes:
        if labels is not None:
            remarks.append(_other_classes(probed.classes, options))
        with torch.no_grad():
            few = [probed.model(part).argmax(1) for part in images.split(case.batch)]
            labels = torch.cat(few)
    defence = methods.parse(options.defence)
    defended = Defended(probed.model, defence).eval()
    return Attacked(defended, probed.model, source, images, labels, tuple(remarks))


def _other_classes(classes: int, options: SamplingOptions) -> str:
    return (
        f"the network has {counted(classes, 'class', 'classes')} and {options.data}"
        f" {options.classes}: what it says of the clean images stands for labels"
    )


def _built(case: Case, seed: int) -> tuple[nn.Module, str]:
    """The network on the CPU, and where its weights come from."""
    name = case.model
    if own_models.is_own(name):
        model = own_models.build(name, seed=seed)
        if case.weights == AS_BUILT:
            return model, "as its builder made them"
        file = Path(case.weights)
        loading.load(model, loading.read(file), file, name, "build it for")
        return model, case.weights
    if name == AGENT:
        return _agent(case, seed)
    options = SamplingOptions.of(case)
    side = options.input_shape[-1]
    if name in NETWORKS:
        if case.weights != TRAINED:
            file = Path(case.weights)
            return building.build(name, options.classes, seed, file, size=side), case.weights
        file = cache.path(name, options.data, options.classes, seed)
        if not cache.ready(file):
            raise _untrained(case, seed, options.data, str(cache.fault(file)))
        model = building.build(name, options.classes, seed, file, size=side)
        return model, f"trained on {options.data}, seed {seed}"
    weights = None if case.weights == RANDOM else Path(case.weights)
    _, height, width = options.input_shape
    model = of_images.build(
        name, (height, width), seed=seed, weights=weights, classes=options.classes
    )
    return model, case.weights


def _agent(case: Case, seed: int) -> tuple[nn.Module, str]:
    place = SamplingOptions.of(case).environment
    assert place is not None  # the kind makes no other cases of it
    if case.weights != TRAINED:
        return checkpoints.load(Path(case.weights)), case.weights
    file = kept.path(place, seed)
    if (fault := kept.fault(file)) is not None:
        raise _untrained(case, seed, place, fault)
    steps = counted(kept.facts(file).steps, "step")
    return checkpoints.load(file), f"trained in {place} for {steps}, seed {seed}"


def _untrained(case: Case, seed: int, where: str, fault: str) -> UnsupportedSettings:
    asked = ("--models", case.model) if case.model != AGENT else ("--environments", where)
    return UnsupportedSettings(
        f"{case.model} has not been trained on {where} with seed {seed}: {fault};"
        f" `{program.command('robustness', *asked)}` trains it"
    )
