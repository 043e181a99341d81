"""One case, built and ready to run in two variants."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn

from adapters import custom, images, registry
from adapters.base import AdapterError, Settings, UnsupportedSettings
from adapters.models import building
from bench.cases import BASELINE, FORWARD_ONLY, Case, Comparison
from bench.errors import InvalidOutput
from bench.kinds.text.findings import TextRecord
from bench.statistics.blocks import Order, Sample
from bench.worker import equality, state
from bench.worker.equality import Equality
from bench.worker.timer import Timer
from bench.worker.variants import applied

if TYPE_CHECKING:
    from adapters.base import AttackFunction

T = TypeVar("T")


@dataclass(frozen=True)
class Workload(ABC):
    """A case with everything slow behind it.

    Attributes:
        comparison: what was asked.
        seed: every run starts from it.
        model: in eval mode, every parameter requiring a gradient, shared by the variants.
        library_version: of the library, None for a user's function.
    """

    comparison: Comparison
    seed: int
    model: nn.Module
    library_version: str | None

    makes: ClassVar[str] = "adversarial examples"
    """What a run makes, in words."""

    @property
    def variants(self) -> tuple[str, str]:
        return (BASELINE, self.comparison.variant)

    @property
    def passes_predict(self) -> float | None:
        """The speedup that a paper predicts by counting passes; None without one."""
        return None

    @property
    @abstractmethod
    def images_a_pass(self) -> int:
        """How many images go through the model in one pass; 1 where there are none."""

    @abstractmethod
    def run(self, variant: str, around: Callable[[Callable[[], Any]], T], part: int = 0) -> T:
        """Bring everything into the state a run starts from, and hand the run over.

        Args:
            variant: which.
            around: calls what it is given, once: times it, traces it, keeps its output.
            part: of the case, where it has several.

        Returns:
            what `around` returns.
        """

    def probe(self, variant: str, around: Callable[[Callable[[], Any]], T]) -> T:
        """Like `run`; as short as a run may be that is looked into and not timed."""
        return self.run(variant, around)

    @abstractmethod
    def output(self, variant: str) -> Any:
        """What one run makes, as both variants must.

        Raises:
            InvalidOutput: it is not what such a run makes.
        """

    def compare(self, first: Any, second: Any) -> Equality:
        """Whether two outputs are the same."""
        return equality.compare(first, second)

    def difference(self, first: Any, second: Any, found: Equality) -> str:
        """How two outputs differ, in words."""
        if found.max_abs_diff is None:
            return "by another dtype, or by values that are not finite"
        return f"by up to {found.max_abs_diff:.3g}"

    @abstractmethod
    def doubts(self, output: Any) -> list[str]:
        """What to warn of in the baseline's output."""

    def text(self) -> TextRecord | None:
        """Of text, what it ran on and what became of each sentence, once both outputs are there."""
        return None

    def time_block(
        self,
        order: Order,
        timer: Timer,
        look: Callable[[], object] = lambda: None,
        part: int = 0,
    ) -> list[Sample]:
        """Run and time one block; the samples in its order.

        Args:
            order: of the variants.
            timer: times each run.
            look: called after each run, outside the timed region.
            part: of the case.
        """
        samples = []
        for letter in order:
            samples.append(self.run(self.variants["AB".index(letter)], timer.time, part))
            look()
        return samples


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

    @property
    def images_a_pass(self) -> int:
        return len(self.images)

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

    def run(self, variant: str, around: Callable[[Callable[[], Any]], T], part: int = 0) -> T:
        with applied(variant, self.model):
            state.reset(self.model, self.seed)
            # Copies, so that an attack that works in place finds clean images the next time.
            images, labels = self.images.clone(), self.labels.clone()
            attack = self.attacks[variant]
            return around(lambda: attack(images, labels))


def build(comparison: Comparison, seed: int) -> AttackWorkload:
    """Build the model, the images, the labels and the attacks of a case.

    Raises:
        AdapterError: the library is unavailable, can't do this, or a file can't be used.
    """
    case = comparison.case
    model = build_model(case, seed)
    dtype = getattr(torch, case.dtype)
    folder = None if case.images == "scikit-learn" else Path(case.images)
    batch = images.load(case.batch, case.input_shape[-1], folder).to(case.device, dtype)
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
    select_device(case.device)
    own_file = None if case.weights in ("random", "pretrained") else Path(case.weights)
    model = building.build(
        case.model,
        case.input_shape[-1],
        seed=seed,
        pretrained=case.weights == "pretrained",
        weights=own_file,
        classes=case.classes,
    )
    return model.to(device=case.device, dtype=getattr(torch, case.dtype))


def settings_of(case: Case, classes: int) -> Settings:
    """What an adapter is told of a case.

    Args:
        case: what was asked.
        classes: number of classes of its model.
    """
    channels, height, width = case.input_shape
    return Settings(
        eps=case.eps,
        step_size=case.step_size,
        steps=case.steps,
        random_start=case.random_start,
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


def select_device(device: str) -> None:
    """Make it torch's current device: some libraries know only "the GPU".

    Raises:
        AdapterError: it can't be used.
    """
    if device.startswith("cuda"):
        try:
            torch.cuda.set_device(torch.device(device).index or 0)
        except (RuntimeError, AssertionError) as error:
            raise AdapterError(f"{device} can't be used: {error}") from error
