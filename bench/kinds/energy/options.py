"""What an energy attack on a dynamic network adds to a case. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal, get_args

from bench.cases import Case, Options
from semibackward_bench.grammar import counted

Space = Literal["tanh", "projection"]
Norm = Literal["l2", "linf"]
SPACES: tuple[Space, ...] = get_args(Space)
NORMS: tuple[Norm, ...] = get_args(Norm)
TRAINED = "trained"
"""What stands for the weights that a network's recipe makes."""


@dataclass(frozen=True, kw_only=True)
class EnergyOptions(Options):
    """Of an energy attack: GradMDM, and what it is held against.

    Attributes:
        input_shape: (channels, height, width) of an image.
        steps: iterations of a timed run.
        iterations: of the attack to its end, which is not timed.
        alpha: weight of the imperceptibility loss.
        power: p of the power loss (eq. 9).
        space: how images are kept in [0, 1]: "tanh" (eq. 4) or "projection" (section 5.3).
        norm: of the imperceptibility loss: "l2" or "linf" (section 5.3).
        keep_label: whether a classification loss keeps the label (table VII).
        data: "digits", or the path of a folder with CIFAR, SVHN, CUB or Tiny-ImageNet.
        classes: of the data.
        transfer: other networks that the perturbed images are tried on (table XIII).
        defences: what they are tried behind (table XIV): names, or a user's FILE.py:FUNCTION.
    """

    building: ClassVar[str] = "bench.kinds.energy.building:build"

    input_shape: tuple[int, ...]
    steps: int
    iterations: int
    alpha: float = 100.0
    power: float = 4.0
    space: Space = "tanh"
    norm: Norm = "l2"
    keep_label: bool = False
    data: str = "digits"
    classes: int = 10
    transfer: tuple[str, ...] = ()
    defences: tuple[str, ...] = ()
    kind: Literal["energy"] = "energy"

    def sentence(self, case: Case) -> str:
        size = "x".join(str(length) for length in self.input_shape)
        own = "".join(f", {told}" for told in self.settings())
        return (
            f"{case.what} on {case.model}, {counted(case.batch, 'image')} of {size},"
            f" {counted(self.steps, 'step')}{own}, {case.dtype}, {case.device}"
        )

    def settings(self) -> list[str]:
        """What is not as the seed has it, in words."""
        usual = {f: EnergyOptions.__dataclass_fields__[f].default for f in ("alpha", "power")}
        told = [
            f"{n} {getattr(self, n):g}" for n, value in usual.items() if getattr(self, n) != value
        ]
        told += [self.space] if self.space != SPACES[0] else []
        told += [self.norm] if self.norm != NORMS[0] else []
        told += ["label kept"] if self.keep_label else []
        return told

    def check(self) -> None:
        if len(self.input_shape) != 3 or min(self.input_shape) < 1:
            raise ValueError(f"case.options.input_shape: {self.input_shape} is no shape of images")
        for name, known in (("space", SPACES), ("norm", NORMS)):
            if getattr(self, name) not in known:
                raise ValueError(f"case.options.{name}: {getattr(self, name)!r} is unknown")
        if min(self.steps, self.iterations) < 1:
            raise ValueError(f"case.options: steps {self.steps}, iterations {self.iterations}")

    def in_one_step(self) -> EnergyOptions:
        return replace(self, steps=1)

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), "image_size": self.input_shape[-1]}

    @classmethod
    def fact_names(cls) -> list[str]:
        return [name for name in super().fact_names() if name != "input_shape"]

    def identity(self, case: Case) -> dict[str, Any]:
        later = ("transfer", "defences")
        told = {k: v for k, v in asdict(self).items() if k not in later or v}
        return {**case.shared, "options": told}
