"""What a stage of pruning adds to a case. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, get_args

from adapters.papers.mad.methods import PGD_STEPS, Stage
from bench.cases import Case, Options
from semibackward_bench.grammar import counted

Pretraining = Literal["none", "natural", "pgd", "trades", "mart"]
PRETRAINING: tuple[Pretraining, ...] = get_args(Pretraining)
UNTRAINED: Pretraining = "none"
RANDOM = "random"
"""What stands for the weights of a network that nobody has trained."""
TRAINED = "trained"
"""What stands for the weights that a network's recipe makes."""
WITH_PERCENT: tuple[Stage, ...] = ("finetuning", "evaluation")
"""The stages of a network that is pruned already."""
WITHOUT_ATTACK: tuple[Stage, ...] = ("masks", "factors", "closed-form")
"""The stages of a batch that is attacked already."""
WHOLE: Stage = "saliency"
"""The stage that has all before it, for one batch; pipelines are known by its case."""


@dataclass(frozen=True, kw_only=True)
class PruningOptions(Options):
    """Of one stage, which is the case's attack (Lee et al. 2022).

    Attributes:
        input_shape: (channels, height, width) of an image.
        data: "digits", or the path of a folder with one of the data sets.
        classes: of the data.
        pretraining: how the network is trained before; "none" where its weights are drawn, or the
            user's.
        inside: the library whose PGD attacks while scoring and training.
        eps: radius of its L-infinity ball, on images in [0, 1].
        steps: of it.
        percent: the share of the weights that is pruned, from 0 to 1; None of stages before.
    """

    building: ClassVar[str] = "bench.kinds.pruning.building:build"

    input_shape: tuple[int, ...]
    data: str = "digits"
    classes: int = 10
    pretraining: Pretraining = "pgd"
    inside: str = "torchattacks"
    eps: float = 0.03
    steps: int = PGD_STEPS
    percent: float | None = None
    kind: Literal["pruning"] = "pruning"

    def sentence(self, case: Case) -> str:
        size = "x".join(str(length) for length in self.input_shape)
        own = "".join(f", {told}" for told in self.settings(case))
        return (
            f"{case.what} on {case.model}, {counted(case.batch, 'image')} of {size}{own},"
            f" {case.dtype}, {case.device}"
        )

    def settings(self, case: Case) -> list[str]:
        """What else a timing depends on, in words."""
        told = [] if self.percent is None else [f"{100 * self.percent:g} % pruned"]
        if case.attack not in WITHOUT_ATTACK:
            told += [f"PGD of {self.inside}", counted(self.steps, "step")]
        return told

    def check(self) -> None:
        if len(self.input_shape) != 3 or min(self.input_shape) < 1:
            raise ValueError(f"case.options.input_shape: {self.input_shape} is no shape of images")
        if self.pretraining not in PRETRAINING:
            raise ValueError(f"case.options.pretraining: {self.pretraining!r} is unknown")
        if not 0 < self.eps < math.inf or self.steps < 1 or self.classes < 1:
            raise ValueError(
                f"case.options: eps {self.eps}, steps {self.steps}, classes {self.classes}"
            )
        if self.percent is not None and not 0 < self.percent < 1:
            raise ValueError(f"case.options.percent: {self.percent} is no share of the weights")

    def in_one_step(self) -> PruningOptions:
        return replace(self, steps=1)

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), "image_size": self.input_shape[-1]}

    @classmethod
    def fact_names(cls) -> list[str]:
        return [name for name in super().fact_names() if name != "input_shape"]
