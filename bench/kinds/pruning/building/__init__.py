"""A stage of pruning, built and ready to run in two variants."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from adapters import registry
from adapters.models import custom as own_models
from adapters.papers.mad import finetuning, pruning
from adapters.papers.methods import METHODS
from bench.cases import BASELINE, SEMI_BACKWARD, Case, Comparison
from bench.kinds.images.building.models import check_trainable, flags_kept
from bench.kinds.pruning.building.networks import (
    Prunable,
    on_device,
    prunable,
    settings_of,
    shown,
)
from bench.kinds.pruning.building.stages import Run, kept_by_batch, stage_of
from bench.kinds.pruning.findings import PruningFindings
from bench.kinds.pruning.options import PruningOptions
from bench.kinds.training.building import TrainingWorkload, freezing
from bench.worker import flops, state
from bench.worker.leftovers import Leftovers
from bench.worker.variants import applied
from bench.worker.workload import Workload

T = TypeVar("T")

TUNED_BY = "pgd"
"""The method whose steps are timed as fine-tuning (Madry et al. 2018)."""
MAKES: Mapping[str, str] = {
    "attack": "adversarial images",
    "masks": "masks",
    "factors": "factors",
    "closed-form": "saliency",
    "saliency": "saliency",
    "evaluation": "adversarial images",
}


@dataclass(frozen=True)
class StageWorkload(Workload):
    """A stage before or after fine-tuning, with everything slow behind it.

    Attributes:
        images: (batch, channels, height, width), in [0, 1], of the data to train on.
        labels: (batch,), the data's.
        stages: for each variant.
        network: what it works on.
    """

    images: Tensor
    labels: Tensor
    stages: Mapping[str, Run]
    network: Prunable

    dimensions = 4
    makes = "numbers"

    def run(self, variant: str, around: Callable[[Callable[[], Any]], T], part: int = 0) -> T:
        def run() -> T:
            with applied(variant, self.model):
                state.reset(self.model, self.seed)
                images, labels = self.images.clone(), self.labels.clone()
                stage = self.stages[variant]
                return around(lambda: stage(images, labels))

        return self.leftovers.around(run)

    @functools.cached_property
    def leftovers(self) -> Leftovers:
        return Leftovers(self.model, functions=own_models.is_own(self.comparison.case.model))

    def output(self, variant: str) -> Tensor:
        """All that a run makes, as one tensor."""
        found: Tensor = self.run(variant, lambda run: run())
        return found.detach()

    def doubts(self, output: Tensor) -> list[str]:
        made = MAKES[self.comparison.case.attack]
        if torch.isfinite(output).all():
            return []
        return [f"the {made} are not all finite; check the network's weights"]

    def remarks(self) -> tuple[str, ...]:
        return self.network.remarks

    def findings(self, *, again: bool) -> PruningFindings | None:
        """What it works on."""
        return None if again else findings_of(self.network)


@dataclass(frozen=True)
class FinetuningWorkload(TrainingWorkload):
    """A step of training a pruned network on, the attack inside it.

    Attributes:
        network: what is trained.
    """

    network: Prunable | None = None

    @property
    def passes_predict(self) -> float | None:
        steps = PruningOptions.of(self.comparison.case).steps
        frozen = self.comparison.variant == SEMI_BACKWARD
        return METHODS[TUNED_BY].theory(steps) if frozen else 1.0

    def findings(self, *, again: bool) -> PruningFindings | None:
        """What it works on."""
        return None if again or self.network is None else findings_of(self.network)


def findings_of(found: Prunable) -> PruningFindings:
    """What a record says of a network."""
    layers = found.layers
    return PruningFindings(
        weights=found.source,
        layers=len(layers.every),
        prunable=sum(value.numel() for value in layers.parameters.values()),
        dense=dict(layers.dense),
    )


def preload() -> None:
    """Import what an optimizer's first step does, which counting does too; see
    `bench.worker.template`."""
    flops.preload()


def build(comparison: Comparison, seed: int) -> Workload:
    """Build the network, the batch and both variants' stages.

    Raises:
        AdapterError: the data, the network, its weights or a library can't be used.
    """
    preload()
    case = comparison.case
    read = shown(case)
    images = on_device(case, read.images[: case.batch])
    labels = read.labels[: case.batch].to(case.device)
    found = prunable(case, seed, images)
    check_trainable(case, found.model, f"{SEMI_BACKWARD} has nothing to leave out")
    registry.get(case.library).check(case.dtype, case.device)
    if case.attack == "finetuning":
        return _finetuning(comparison, seed, found, images, labels)
    stages = {}
    with flags_kept(found.model):
        if case.attack == "evaluation":
            state.reset(found.model, seed)
            pruning.put_on(found.model, kept_by_batch(case, found, images, labels, seed))
        for variant in (BASELINE, comparison.variant):
            with applied(variant, found.model):
                state.reset(found.model, seed)
                stages[variant] = stage_of(case, found, images, labels)
    return StageWorkload(
        *(comparison, seed, found.model, _version(case), images, labels, stages, found)
    )


def _finetuning(
    comparison: Comparison, seed: int, found: Prunable, images: Tensor, labels: Tensor
) -> FinetuningWorkload:
    """One step is made before any is timed, so that there is momentum."""
    case, model = comparison.case, found.model
    state.reset(model, seed)
    kept = kept_by_batch(case, found, images, labels, seed)
    pruning.put_on(model, kept)
    optimizer = finetuning.optimizer_of(model, kept)
    inside, told = PruningOptions.of(case).inside, settings_of(case)
    trainings = {}
    with flags_kept(model):
        for variant in (BASELINE, comparison.variant):
            state.reset(model, seed)
            trainings[variant] = finetuning.training_of(
                model, optimizer, TUNED_BY, inside, told, freezing(variant, model)
            )
    trainings[BASELINE].step(images.clone(), labels)
    momentum = [
        value
        for found_state in optimizer.state.values()
        for value in found_state.values()
        if isinstance(value, Tensor)
    ]
    moving = [*model.parameters(), *model.buffers(), *momentum]
    return FinetuningWorkload(
        comparison=comparison,
        seed=seed,
        model=model,
        images=images,
        labels=labels,
        library_version=_version(case),
        trainings=trainings,
        start=[(tensor, tensor.detach().clone()) for tensor in moving],
        told=found.remarks,
        network=found,
    )


def _version(case: Case) -> str | None:
    """Of torch, which all of the library's own stages are made of."""
    return registry.version(registry.get(case.library))
