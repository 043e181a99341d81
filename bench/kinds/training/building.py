"""One optimisation step of a training, built and ready to run in two variants.

Both train the same model with the same optimizer; they differ in what the block around the attack
does, which is inside the timed region: a user freezes and thaws at every step.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from adapters import custom, data
from adapters.base import UnsupportedSettings
from adapters.models import custom as own_models
from adapters.papers import building
from adapters.papers.methods import METHODS
from adapters.papers.training import Adversarial, Free, Freezing, Training
from bench.cases import A_A, BASELINE, SEMI_BACKWARD, Case, Comparison
from bench.kinds.images import building as images
from bench.kinds.images.building import settings_of
from bench.kinds.images.building.models import Built, build_model, check_trainable, flags_kept
from bench.kinds.training.options import TrainingOptions
from bench.worker import state
from bench.worker.leftovers import Leftovers
from bench.worker.workload import Workload, select_device
from semibackward import semi_backward
from semibackward.freeze import own_parameters_frozen
from semibackward_bench.grammar import counted

T = TypeVar("T")


@dataclass(frozen=True)
class TrainingWorkload(Workload):
    """A case of training with everything slow behind it.

    Attributes:
        images: (batch, channels, height, width), in [0, 1].
        labels: (batch,), the data set's.
        trainings: for each variant, its optimisation step, the attack inside it.
        start: what every run starts from: parameters, buffers and the optimizer's momentum, as they
            are in a training under way, each with its copy.
        told: what to say of the model.
    """

    images: Tensor
    labels: Tensor
    trainings: Mapping[str, Training]
    start: list[tuple[Tensor, Tensor]]
    told: tuple[str, ...] = ()

    makes = "weights"
    tells_passes = True
    dimensions = 4

    @property
    def passes_predict(self) -> float | None:
        options = TrainingOptions.of(self.comparison.case)
        method = METHODS[options.training]
        if method.inside != "none" and options.steps is None:
            return None  # a user's own function: nobody knows
        return method.theory(options.steps) if self.comparison.variant == SEMI_BACKWARD else 1.0

    def run(self, variant: str, around: Callable[[Callable[[], Any]], T], part: int = 0) -> T:
        def run() -> T:
            state.reset(self.model, self.seed)
            with torch.no_grad():
                for tensor, copy in self.start:
                    tensor.copy_(copy)
            training = self.trainings[variant]
            if isinstance(training, Free):
                training.perturbation = None
            images, labels = self.images.clone(), self.labels.clone()
            return around(lambda: training.step(images, labels))

        return self.leftovers.around(run)

    @functools.cached_property
    def leftovers(self) -> Leftovers:
        """The weights are what a run makes; what they start from is `start`."""
        case = self.comparison.case
        users = case.library == custom.LIBRARY or own_models.is_own(case.model)
        return Leftovers(self.model, numbers=False, functions=users)

    def output(self, variant: str) -> Tensor:
        """All parameters and buffers after one step, (total number of elements,), float64."""
        self.run(variant, lambda run: run())
        return weights(self.model)

    @contextlib.contextmanager
    def frozen_too(self, layers: Sequence[nn.Module]) -> Iterator[None]:
        """For the attack alone, as the variant's: the update needs every gradient."""
        training = self.trainings[BASELINE]
        before, training.freezing = training.freezing, lambda: own_parameters_frozen(layers)
        try:
            yield
        finally:
            training.freezing = before

    def remarks(self) -> tuple[str, ...]:
        return self.told

    def doubts(self, output: Tensor) -> list[str]:
        training = self.trainings[BASELINE]
        said = list(training.doubts or ()) if isinstance(training, Adversarial) else []
        if not torch.isfinite(output).all():
            said.append("the weights are not all finite after a step; check the data and weights")
        return said


def weights(model: nn.Module) -> Tensor:
    """All parameters and buffers as one vector, float64, a copy."""
    return torch.cat([tensor.flatten().double() for tensor in model.state_dict().values()])


def freezing(variant: str, model: nn.Module) -> Freezing:
    """What makes a variant's block around the attack.

    Raises:
        UnsupportedSettings: it is no variant of training.
    """
    if variant in (BASELINE, A_A):
        return contextlib.nullcontext
    if variant == SEMI_BACKWARD:
        return lambda: semi_backward(model)
    raise UnsupportedSettings(f"training can't be measured {variant}")


def build_trained(case: Case, seed: int, images: Tensor) -> Built:
    """A case's model, known to be one that can be trained on the data.

    Args:
        case: what was asked.
        seed: of random weights.
        images: of the data set, to look at a user's model with.

    Raises:
        AdapterError: the model can't be used, or has too few classes, or nothing to train.
    """
    built = build_model(case, seed, images)
    options = TrainingOptions.of(case)
    needed = options.classes or 0
    if built.classes is not None and built.classes < needed:
        raise UnsupportedSettings(
            f"--models {case.model} has {counted(built.classes, 'class', 'classes')}, and"
            f" {options.data} has {needed}"
        )
    check_trainable(case, built.model, "there is nothing to train")
    return built


def build_one(
    case: Case, variant: str, built: Built, optimizer: torch.optim.Optimizer
) -> tuple[Training, str | None]:
    """One variant's training, and its library's version.

    Raises:
        AdapterError: the library is unavailable, or can't do this.
    """
    options = TrainingOptions.of(case)
    assert options.classes is not None  # the data set's
    return building.build(
        options.training,
        case.library,
        case.attack,
        built.model,
        optimizer,
        freezing(variant, built.model),
        settings_of(case, built.classes or options.classes),
    )


def preload() -> None:
    """Import what building a case does, whatever its attack; see `bench.worker.template`."""
    images.preload()


def build(comparison: Comparison, seed: int) -> TrainingWorkload:
    """Build the model, the data and both variants' trainings, and train for one step.

    Raises:
        AdapterError: the library is unavailable, can't do this, or a file can't be used.
    """
    case = comparison.case
    select_device(case.device)
    read = data.load(TrainingOptions.of(case).data)
    dtype = getattr(torch, case.dtype)
    images = read.images[: case.batch].to(case.device, dtype)
    built = build_trained(case, seed, images)
    model = built.model
    labels = read.labels[: case.batch].to(case.device)
    optimizer = building.optimizer_of(model)
    trainings: dict[str, Training] = {}
    version = None
    with flags_kept(model):
        for variant in (BASELINE, comparison.variant):
            state.reset(model, seed)
            trainings[variant], version = build_one(case, variant, built, optimizer)
    trainings[BASELINE].step(images.clone(), labels)
    momentum = [
        value
        for found in optimizer.state.values()
        for value in found.values()
        if isinstance(value, Tensor)
    ]
    moving = [*model.parameters(), *model.buffers(), *momentum]
    return TrainingWorkload(
        comparison=comparison,
        seed=seed,
        model=model,
        images=images,
        labels=labels,
        library_version=version,
        trainings=trainings,
        start=[(tensor, tensor.detach().clone()) for tensor in moving],
        told=built.remarks,
    )
