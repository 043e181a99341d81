"""Whether two variants made the same, and how that was proved: what `bench.worker` finds. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Level = Literal["identical", "rounding", "agreeing", "other", "different"]
"""Bit for bit the same; different by rounding; with every image that one succeeds with and the
other too, and nearly all numbers the same; none of these; and, of variants that promise the same
examples, different. Those have to be identical, or different by rounding that was proved, to come
to a speedup; the others are measured at whatever level they reach."""

ROUNDING = 1e-6
"""What outputs of a variant that promises nothing may differ by, to count as rounding."""
AGREEING = 0.99
"""Of the numbers of an output that are the same."""

OUTPUTS: Mapping[str, str] = {
    "identical": "are identical",
    "rounding": "differ by rounding",
    "agreeing": "agree",
    "other": "differ by more than rounding",
    "different": "are different",
}
"""What a sentence says of outputs at each level, behind "outputs" or "outputs that"."""


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


def graded(found: Equality) -> Equality:
    """Of outputs of a variant that does not promise the same, at the level that they reach.

    Args:
        found: how they compare, with what both come to image by image where somebody could tell.
    """
    if found.bitwise:
        return found
    apart = found.max_abs_diff
    if apart is not None and apart <= ROUNDING:
        return replace(found, equal=True, level="rounding")
    same = (
        found.elements
        and found.differing is not None
        and (found.elements - found.differing >= AGREEING * found.elements)
    )
    alike = found.success is not None and not found.success_differs
    return replace(found, equal=False, level="agreeing" if same and alike else "other")


IDENTICAL = Equality(equal=True, bitwise=True, max_abs_diff=0.0)


def different(max_abs_diff: float | None) -> Equality:
    """Of outputs that differ by so much, as long as nobody proves that it is rounding."""
    return Equality(equal=False, bitwise=False, max_abs_diff=max_abs_diff)
