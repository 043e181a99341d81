"""Whether two variants made the same, and how that was proved: what `bench.worker` finds. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Level = Literal["identical", "rounding", "different"]
"""Bit for bit the same; different by rounding, which was proved; different. Only the first two come
to a speedup."""


@dataclass(frozen=True)
class Equality:
    """How two outputs compare.

    Attributes:
        equal: identical, or different by rounding.
        bitwise: every bit is the same.
        max_abs_diff: the largest difference; None where there is none to tell (text, another shape
            or dtype, or an element that is not finite in one output only).
        level: how equal they are. In records made before there were levels it is told by the two
            fields above, of which `equal` allowed for 1e-6.
        first_step_error: norm of the difference between both variants' first perturbation
            gradients, over the norm of the baseline's; None where nobody looked, as between
            outputs that are identical, or where no gradient reached the images.
        rounding: what rounding in the gradient's type comes to, at most, by the same measure.
        flipped_signs: elements of that gradient whose sign is not the same.
        differing: elements of the output that are not the same.
        elements: of the output.
        success: for each variant, of how many images the model no longer says what it did.
        success_differs: numbers of the images that one variant succeeds with and the other does
            not, from 0.
        layers: class of each layer, by its path in the model, whose parameters explain it: with
            these frozen in both variants, the outputs are identical.
    """

    equal: bool
    bitwise: bool
    max_abs_diff: float | None
    level: Level | None = None
    first_step_error: float | None = None
    rounding: float | None = None
    flipped_signs: int | None = None
    differing: int | None = None
    elements: int | None = None
    success: dict[str, int] | None = None
    success_differs: list[int] = field(default_factory=list)
    layers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.level is None:
            told = "identical" if self.bitwise else "rounding" if self.equal else "different"
            object.__setattr__(self, "level", told)


IDENTICAL = Equality(equal=True, bitwise=True, max_abs_diff=0.0)


def different(max_abs_diff: float | None) -> Equality:
    """Of outputs that differ by so much, as long as nobody proves that it is rounding."""
    return Equality(equal=False, bitwise=False, max_abs_diff=max_abs_diff)
