"""Attacks on images, built and ready to run: the building side, in the worker."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from adapters import custom, images, outputs, registry
from adapters.base import Settings, UnsupportedSettings
from adapters.models import building
from adapters.models import custom as own_models
from bench.cases import FORWARD_ONLY, SEMI_BACKWARD, Case, Comparison
from bench.errors import InvalidOutput
from bench.kinds.images.building.models import (
    Built,
    build_model,
    check_trainable,
    flags_kept,
    shape_of,
)
from bench.kinds.images.options import PHOTOGRAPHS, ImageOptions, OnImages
from bench.variants import naming
from bench.worker import preparing, state
from bench.worker.leftovers import Leftovers
from bench.worker.variants import Shaped, applied
from bench.worker.workload import Workload, select_device
from semibackward_bench.grammar import counted

if TYPE_CHECKING:
    from adapters.base import AttackFunction

T = TypeVar("T")


@dataclass(frozen=True)
class AttackWorkload(Workload):
    """A case of attacks on images.

    Attributes:
        images: (batch, channels, height, width), in [0, 1].
        labels: (batch,), the model's own predictions, or the user's.
        attacks: for each variant an attack of its own, since attacks may keep state.
        attacked: images to logits, where the model's own output is more than that.
        told: what to say of the model.
        ways: the model in the states of the variants; of one that is missing it needs no making
            ready.
    """

    images: Tensor
    labels: Tensor
    attacks: Mapping[str, AttackFunction]
    attacked: nn.Module | None = None
    told: tuple[str, ...] = ()
    ways: Mapping[str, Shaped] = field(default_factory=dict)

    compiles = True

    def remarks(self) -> tuple[str, ...]:
        return self.told

    dimensions = 4

    def output(self, variant: str) -> Tensor:
        """The adversarial images, of the images' shape."""
        output: object = self.run(variant, lambda run: run())
        wrong = outputs.fault(output, self.images)
        if wrong is not None:
            raise InvalidOutput(wrong)
        assert isinstance(output, Tensor)  # else something is wrong
        return output.detach()

    def doubts(self, output: Tensor) -> list[str]:
        leaves_box = registry.leaves_box(self.comparison.case.library, self.comparison.case.attack)
        return outputs.doubts(output, self.images, leaves_box=leaves_box)

    def succeeded(self, output: Tensor) -> Tensor:
        """Of these images the model no longer says what it did of the clean ones."""
        model = self.model if self.attacked is None else self.attacked
        with torch.no_grad():
            logits: Tensor = model(output.to(self.images))
        return logits.argmax(dim=1) != self.labels

    def run(self, variant: str, around: Callable[[Callable[[], Any]], T], part: int = 0) -> T:
        def run() -> T:
            with self._applied(variant):
                state.reset(self.model, self.seed)
                # Copies, so that an attack that works in place finds clean images the next time.
                images, labels = self.images.clone(), self.labels.clone()
                attack = self.attacks[variant]
                return around(lambda: attack(images, labels))

        return self.leftovers.around(run)

    def _applied(self, variant: str) -> AbstractContextManager[None]:
        way = self.ways.get(variant)
        return applied(variant, self.model) if way is None else way.applied()

    @property
    def compilations(self) -> int:
        return sum(way.compilations for way in self.ways.values())

    @functools.cached_property
    def leftovers(self) -> Leftovers:
        case = self.comparison.case
        users = case.library == custom.LIBRARY or own_models.is_own(case.model)
        return Leftovers(self.model, functions=users)


def preload() -> None:
    """Import what building a case does, whatever its library; see `bench.worker.template`."""
    building.preload()
    images.preload()


def build(comparison: Comparison, seed: int) -> AttackWorkload:
    """Build the model, the images, the labels and the attacks of a case.

    Raises:
        AdapterError: the library is unavailable, can't do this, or a file can't be used.
    """
    case = comparison.case
    options = ImageOptions.of(case)
    select_device(case.device)
    folder = None if options.images == PHOTOGRAPHS else Path(options.images)
    loaded = images.of_shape(case.batch, shape_of(options), folder)
    batch = loaded.to(case.device, getattr(torch, case.dtype))
    built = build_model(case, seed, batch)
    if SEMI_BACKWARD in comparison.variant.split(naming.JOINT):
        check_trainable(case, built.model, f"{SEMI_BACKWARD} has nothing to leave out")
    with torch.no_grad():
        logits = built.model(batch)
    if built.classes is not None and options.classes not in (None, built.classes):
        raise UnsupportedSettings(
            f"--classes {options.classes}: {case.model} has {built.classes}; leave it out"
        )
    labels = _labels(options, logits)
    attacks: dict[str, AttackFunction] = {}
    ways: dict[str, Shaped] = {}
    version = None
    watch = preparing.Watch(comparison)
    with flags_kept(built.model):
        given, told = _given(case, built, batch, labels, seed)
        for variant in (comparison.baseline, comparison.variant):
            with watch.timing(variant):
                state_of = naming.as_built(variant, comparison.baseline)
                ways[variant] = Shaped(state_of, given, batch)
            with ways[variant].applied():
                state.reset(given, seed)
                attacks[variant], version = _build_attack(case, variant, given, logits.shape[1])
    workload = AttackWorkload(
        *(comparison, seed, given, version, batch, labels, attacks, built.model),
        told=(*built.remarks, *told),
        ways=ways,
    )
    return replace(workload, preparation=watch.made_ready(workload, ways))


def _labels(options: ImageOptions, logits: Tensor) -> Tensor:
    """The user's, or the model's own predictions; (batch,), int64.

    Raises:
        UnsupportedSettings: one of the user's is no class of the model.
    """
    if options.labels is None:
        return logits.argmax(dim=1)
    beyond = [label for label in options.labels if label >= logits.shape[1]]
    if beyond:
        raise UnsupportedSettings(
            f"--labels {beyond[0]}: the model has"
            f" {counted(logits.shape[1], 'class', 'classes')}, counted from 0"
        )
    return torch.tensor(options.labels, device=logits.device)


def _given(
    case: Case, built: Built, batch: Tensor, labels: Tensor, seed: int
) -> tuple[nn.Module, tuple[str, ...]]:
    """The model that the attack is given, and what to say of that.

    Libraries' attacks take logits. A user's own has perhaps been written for the model as it is,
    and gets that, unless it raises with that and not with the logits.
    """
    if built.own is built.model or case.library != custom.LIBRARY:
        return built.model, ()
    spec = custom.parse(case.attack)

    def falls_over(model: nn.Module) -> Exception | None:
        state.reset(model, seed)
        attack = custom.build(spec, model)
        try:
            Leftovers(built.own).around(lambda: attack(batch.clone(), labels.clone()))
        except UnsupportedSettings:
            raise
        except Exception as error:
            return error
        return None

    raised = falls_over(built.own)
    if raised is None:
        return built.own, ("the attack is given the model as it is",)
    if falls_over(built.model) is not None:
        raise raised
    said = own_models.spelt(raised)
    return built.model, (
        f"the attack is given the model's logits, since on its output as it is it raises {said}",
    )


def settings_of(case: Case, classes: int) -> Settings:
    """What an adapter is told of a case.

    Args:
        case: what was asked.
        classes: number of classes of its model.
    """
    options = OnImages.of(case)
    return Settings(
        eps=options.eps,
        step_size=options.step_size,
        steps=options.steps,
        random_start=options.random_start,
        batch=case.batch,
        input_shape=shape_of(options),
        classes=classes,
        dtype=case.dtype,
        device=case.device,
    )


def _build_attack(
    case: Case, variant: str, model: nn.Module, classes: int
) -> tuple[AttackFunction, str | None]:
    if case.library == custom.LIBRARY:
        return custom.build(custom.parse(case.attack), model), None
    adapter = registry.get(case.library)
    adapter.load()
    if (
        FORWARD_ONLY in variant.split(naming.JOINT)
        and adapter.attacks()[case.attack].access == "white-box"
    ):
        raise UnsupportedSettings(
            f"{FORWARD_ONLY} is for attacks that read no gradient;"
            f" {case.library} {case.attack} does"
        )
    built = adapter.build(case.attack, model, settings_of(case, classes))
    return built, registry.version(adapter)
