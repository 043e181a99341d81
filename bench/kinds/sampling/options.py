"""What an attack by Monte-Carlo gradients adds to a case. Pure."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal, get_args

from adapters.base import AdapterError
from adapters.papers.sap import methods
from bench.cases import Case, Options
from semibackward_bench.grammar import counted

Gradient = Literal["own", "dense"]
GRADIENTS: tuple[Gradient, ...] = get_args(Gradient)
AGENT = "ddqn"
"""The network of agents."""
RANDOM = "random"
"""What stands for the weights of a model that nobody has trained."""
ITERATIVE = "iterative"
"""The attack that takes several steps."""
TRAINED = "trained"
"""What stands for the weights that a network's recipe makes."""


@dataclass(frozen=True, kw_only=True)
class SamplingOptions(Options):
    """Of an attack on a network that may draw at random (Dhillon et al. 2018).

    Attributes:
        input_shape: (channels, height, width) of an image.
        defence: of the network, as "sap-100"; "dense" for none.
        samples: N, Monte-Carlo samples of each gradient.
        chunk: samples that one pass takes; None for as many as pay and fit.
        strength: λ, radius of the L-infinity ball on a scale of 0 to 255.
        step: k of the iterative attack, on the same scale.
        gradient: whose the attack follows: the defended network's "own", or the "dense" one's.
        data: "digits", or the path of a folder with CIFAR, SVHN, CUB or Tiny-ImageNet.
        classes: of the data; of an environment, its actions.
        environment: that an agent acts in; None where images are classified.
    """

    building: ClassVar[str] = "bench.kinds.sampling.building:build"

    input_shape: tuple[int, ...]
    defence: str
    samples: int = 1
    chunk: int | None = None
    strength: float = 8.0
    step: float = 1.0
    gradient: Gradient = "own"
    data: str = "digits"
    classes: int = 10
    environment: str | None = None
    kind: Literal["sampling"] = "sampling"

    def sentence(self, case: Case) -> str:
        size = "x".join(str(length) for length in self.input_shape)
        own = "".join(f", {told}" for told in self.settings(case))
        inputs = counted(case.batch, "image" if self.environment is None else "observation")
        return (
            f"{case.what} on {case.model} ({self.defence}), {inputs} of {size},"
            f" {counted(self.samples, 'sample')}{own}, {case.dtype}, {case.device}"
        )

    def settings(self, case: Case) -> list[str]:
        """What else a timing depends on, in words."""
        told = [] if self.chunk is None else [f"{self.chunk} in a pass"]
        told += [counted(self.steps(case), "step")] if self.steps(case) > 1 else []
        told += ["gradient of the dense network"] if self.gradient == "dense" else []
        return told

    def steps(self, case: Case) -> int:
        """⌈λ / k⌉ of the iterative attack (section 4.5), else 1."""
        return max(1, math.ceil(self.strength / self.step)) if case.attack == ITERATIVE else 1

    @property
    def draws(self) -> bool:
        """Whether two passes of the network differ."""
        return methods.parse(self.defence).method.drawn

    def check(self) -> None:
        if len(self.input_shape) != 3 or min(self.input_shape) < 1:
            raise ValueError(f"case.options.input_shape: {self.input_shape} is no shape of images")
        try:
            methods.parse(self.defence)
        except AdapterError as error:
            raise ValueError(f"case.options.defence: {error}") from error
        if self.gradient not in GRADIENTS:
            raise ValueError(f"case.options.gradient: {self.gradient!r} is unknown")
        if self.samples < 1 or (self.chunk is not None and self.chunk < 1):
            raise ValueError(f"case.options: samples {self.samples}, chunk {self.chunk}")
        if not (0 <= self.strength < math.inf and 0 < self.step < math.inf):
            raise ValueError(f"case.options: strength {self.strength}, step {self.step}")

    def in_one_step(self) -> SamplingOptions:
        samples = 1 if self.chunk is None else min(self.samples, self.chunk)
        return replace(self, strength=min(self.strength, self.step), samples=samples)

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), "image_size": self.input_shape[-1]}

    @classmethod
    def fact_names(cls) -> list[str]:
        return [name for name in super().fact_names() if name != "input_shape"]

    def identity(self, case: Case) -> dict[str, Any]:
        told = {k: v for k, v in asdict(self).items() if k != "environment" or v is not None}
        return {**case.shared, "options": told}
