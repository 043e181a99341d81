"""What an attack on images adds to a case. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal

from bench.cases import Case, Options
from semibackward_bench.grammar import counted

PHOTOGRAPHS = "scikit-learn"
"""Where images come from unless the user names a folder."""


@dataclass(frozen=True, kw_only=True)
class OnImages(Options):
    """What is asked of an attack on images, by itself or inside a training.

    Attributes:
        input_shape: (channels, height, width) of an image.
        steps: of the attack; None where it has its own number: a user's function, an attack in one
            step, or the library's default.
        eps: radius of the L-infinity ball, on images in [0, 1]; None where the attack takes none,
            or for the library's default. The same holds of the next two.
        step_size: length of a step, on the same scale.
        random_start: whether the attack starts at a random point of the ball.
        classes: number of classes of a model with random weights; None for the model's own. A
            user's model must have as many.
    """

    input_shape: tuple[int, ...]
    steps: int | None = None
    eps: float | None = 8 / 255
    step_size: float | None = 2 / 255
    random_start: bool | None = True
    classes: int | None = None

    def sentence(self, case: Case) -> str:
        size = "x".join(str(length) for length in self.input_shape)
        steps = "" if self.steps is None else f", {counted(self.steps, 'step')}"
        return (
            f"{case.what} on {case.model}, {counted(case.batch, 'image')} of {size}{steps},"
            f" {case.dtype}, {case.device}"
        )

    def check(self) -> None:
        if len(self.input_shape) != 3 or min(self.input_shape) < 1:
            raise ValueError(f"case.options.input_shape: {self.input_shape} is no shape of images")

    def in_one_step(self) -> OnImages:
        return self if self.steps is None else replace(self, steps=1)

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), "image_size": self.input_shape[-1]}

    @classmethod
    def fact_names(cls) -> list[str]:
        return [name for name in super().fact_names() if name != "input_shape"]

    def identity(self, case: Case) -> dict[str, Any]:
        """As in the first version of records, where every case had these fields."""
        asked = {**case.shared, **asdict(self)}
        del asked["kind"]
        return without(asked, "classes")


def without(asked: dict[str, Any], *later: str) -> dict[str, Any]:
    """Without what is None and was not there from the beginning: older names stay."""
    return {key: value for key, value in asked.items() if key not in later or value is not None}


@dataclass(frozen=True, kw_only=True)
class ImageOptions(OnImages):
    """Of an attack on images, as its library's user calls it.

    Attributes:
        images: "scikit-learn" for its photographs, or the path of a folder.
        labels: a class index for each image; None for what the model says of them itself.
    """

    building: ClassVar[str] = "bench.kinds.images.building:build"

    images: str = PHOTOGRAPHS
    labels: tuple[int, ...] | None = None
    kind: Literal["images"] = "images"

    def identity(self, case: Case) -> dict[str, Any]:
        return without(super().identity(case), "labels")
