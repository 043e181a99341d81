"""Attacks on images, built and ready to run: the building side, in the worker."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from adapters import custom, images, registry
from adapters.base import Settings, UnsupportedSettings
from adapters.models import building
from bench.cases import BASELINE, FORWARD_ONLY, Case, Comparison
from bench.errors import InvalidOutput
from bench.kinds.images.options import PHOTOGRAPHS, ImageOptions, OnImages
from bench.worker import state
from bench.worker.leftovers import Leftovers
from bench.worker.variants import applied
from bench.worker.workload import Workload, select_device

if TYPE_CHECKING:
    from adapters.base import AttackFunction

T = TypeVar("T")


@dataclass(frozen=True)
class AttackWorkload(Workload):
    """A case of attacks on images.

    Attributes:
        images: (batch, channels, height, width), in [0, 1].
        labels: (batch,), the model's own predictions.
        attacks: for each variant an attack of its own, since attacks may keep state.
    """

    images: Tensor
    labels: Tensor
    attacks: Mapping[str, AttackFunction]

    def output(self, variant: str) -> Tensor:
        """The adversarial images, of the images' shape."""
        output: object = self.run(variant, lambda run: run())
        if not isinstance(output, Tensor):
            raise InvalidOutput(
                f"the attack returned {type(output).__name__}, not a tensor of adversarial images"
            )
        if output.shape != self.images.shape:
            raise InvalidOutput(
                f"the attack returned a tensor of shape {tuple(output.shape)} for images of shape"
                f" {tuple(self.images.shape)}"
            )
        return output.detach()

    def doubts(self, output: Tensor) -> list[str]:
        if not torch.isfinite(output).all():
            return ["the adversarial images are not all finite; check the attack and the weights"]
        if output.dtype != self.images.dtype:
            return [f"the attack returned {output.dtype} for {self.images.dtype} images"]
        if torch.equal(output, self.images):
            return ["the attack left every image as it was; check its settings"]
        return []

    def succeeded(self, output: Tensor) -> Tensor:
        """Of these images the model no longer says what it did of the clean ones."""
        with torch.no_grad():
            logits: Tensor = self.model(output)
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
        return Leftovers(self.model, functions=self.comparison.case.library == custom.LIBRARY)


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
    model = build_model(case, seed)
    dtype = getattr(torch, case.dtype)
    folder = None if options.images == PHOTOGRAPHS else Path(options.images)
    batch = images.load(case.batch, options.input_shape[-1], folder).to(case.device, dtype)
    with torch.no_grad():
        logits = model(batch)
    labels = logits.argmax(dim=1)
    attacks: dict[str, AttackFunction] = {}
    version = None
    for variant in (BASELINE, comparison.variant):
        with applied(variant, model):
            state.reset(model, seed)
            attacks[variant], version = _build_attack(case, variant, model, logits.shape[1])
    model.requires_grad_(True)
    return AttackWorkload(comparison, seed, model, version, batch, labels, attacks)


def build_model(case: Case, seed: int) -> nn.Module:
    """A case's model on its device, which becomes torch's current one.

    Raises:
        AdapterError: the device, the library or the weights can't be used.
    """
    options = OnImages.of(case)
    select_device(case.device)
    own_file = None if case.weights in ("random", "pretrained") else Path(case.weights)
    model = building.build(
        case.model,
        options.input_shape[-1],
        seed=seed,
        pretrained=case.weights == "pretrained",
        weights=own_file,
        classes=options.classes,
    )
    return model.to(device=case.device, dtype=getattr(torch, case.dtype))


def settings_of(case: Case, classes: int) -> Settings:
    """What an adapter is told of a case.

    Args:
        case: what was asked.
        classes: number of classes of its model.
    """
    options = OnImages.of(case)
    channels, height, width = options.input_shape
    return Settings(
        eps=options.eps,
        step_size=options.step_size,
        steps=options.steps,
        random_start=options.random_start,
        batch=case.batch,
        input_shape=(channels, height, width),
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
