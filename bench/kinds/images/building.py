"""Attacks on images, built and ready to run: the building side, in the worker."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from adapters import custom, images, outputs, registry
from adapters.base import AdapterError, Settings, UnsupportedSettings
from adapters.models import building, probing, weights
from adapters.models import custom as own_models
from adapters.models.dynamic.catalogue import NETWORKS
from bench.cases import AS_BUILT, BASELINE, FORWARD_ONLY, SEMI_BACKWARD, Case, Comparison
from bench.errors import InvalidOutput
from bench.kinds.images.options import PHOTOGRAPHS, ImageOptions, OnImages
from bench.worker import state
from bench.worker.leftovers import Leftovers
from bench.worker.variants import applied
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
    """

    images: Tensor
    labels: Tensor
    attacks: Mapping[str, AttackFunction]
    attacked: nn.Module | None = None
    told: tuple[str, ...] = ()

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
            with applied(variant, self.model):
                state.reset(self.model, self.seed)
                # Copies, so that an attack that works in place finds clean images the next time.
                images, labels = self.images.clone(), self.labels.clone()
                attack = self.attacks[variant]
                return around(lambda: attack(images, labels))

        return self.leftovers.around(run)

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
    if comparison.variant == SEMI_BACKWARD:
        check_trainable(case, built.model, f"{SEMI_BACKWARD} has nothing to leave out")
    with torch.no_grad():
        logits = built.model(batch)
    if built.classes is not None and options.classes not in (None, built.classes):
        raise UnsupportedSettings(
            f"--classes {options.classes}: {case.model} has {built.classes}; leave it out"
        )
    labels = _labels(options, logits)
    attacks: dict[str, AttackFunction] = {}
    version = None
    with flags_kept(built.model):
        given, told = _given(case, built, batch, labels, seed)
        for variant in (BASELINE, comparison.variant):
            with applied(variant, given):
                state.reset(given, seed)
                attacks[variant], version = _build_attack(case, variant, given, logits.shape[1])
    return AttackWorkload(
        *(comparison, seed, given, version, batch, labels, attacks, built.model),
        told=(*built.remarks, *told),
    )


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
    if variant == FORWARD_ONLY and adapter.attacks()[case.attack].access == "white-box":
        raise UnsupportedSettings(
            f"{FORWARD_ONLY} is for attacks that read no gradient;"
            f" {case.library} {case.attack} does"
        )
    built = adapter.build(case.attack, model, settings_of(case, classes))
    return built, registry.version(adapter)
