"""Names of variants: parts joined with `+`, whichever order they are given in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.cases import A_A, BASELINE, RIVAL, Comparison
from bench.errors import UsageError
from bench.variants.base import Part
from bench.variants.capturing import Graphed
from bench.variants.compiling import AheadOfTime, Compiled
from bench.variants.freezing import Frozen
from bench.variants.inference import ForwardOnly
from bench.variants.layout import ChannelsLast
from bench.variants.precision import TF32, BFloat16, Float16
from bench.words import unknown

JOINT = "+"
PARTS: dict[str, Part] = {
    part.name: part
    for part in (
        Frozen(),
        ForwardOnly(),
        ChannelsLast(),
        Compiled(),
        AheadOfTime(),
        Graphed(),
        TF32(),
        BFloat16(),
        Float16(),
    )
}
WHOLE = {
    BASELINE: "the library as shipped, every parameter requires a gradient",
    A_A: "the original a second time, to see what noise alone looks like",
}
"""Variants that are made of nothing, and composed with nothing."""


def names() -> list[str]:
    """What a variant can be, or be made of."""
    return [*WHOLE, *PARTS]


def parts_of(variant: str) -> list[Part]:
    """The parts of a variant, in the order in which they shape a model.

    Raises:
        KeyError: there is no such part.
    """
    if variant in WHOLE or variant == RIVAL:
        return []
    return sorted((PARTS[name] for name in variant.split(JOINT)), key=lambda part: part.turn)


def canonical(variant: str) -> str:
    """A variant's one name, as records have it: its parts in the order of the alphabet.

    Raises:
        UsageError: there is no such part, or two of them do not go together.
    """
    found = sorted(set(variant.split(JOINT)))
    unknown("variant", found, names())
    if len(found) > 1:
        for whole in WHOLE:
            if whole in found:
                raise UsageError(f"variant {variant}: {whole} stands alone")
    for name in found:
        part = PARTS.get(name)
        clash = None if part is None else next((o for o in part.excludes if o in found), None)
        if part is not None and clash is not None:
            raise UsageError(f"variant {variant}: {name} and {clash}: {part.why_not}")
    return JOINT.join(found)


def together(names: Iterable[str]) -> str:
    """The variant that is made of these parts."""
    return JOINT.join(sorted(set(names))) or BASELINE


def fits(variant: str, fitting: Sequence[str]) -> bool:
    """Whether a case can be held against its baseline in a variant.

    Args:
        variant: which.
        fitting: the variants and parts that fit the case, as its kind has them.
    """
    if variant in fitting or variant == BASELINE:
        return True
    return all(part in fitting for part in variant.split(JOINT))


def promises(variant: str) -> bool:
    """Whether it makes the same examples by construction."""
    return all(part.promises for part in parts_of(variant))


def ready_at_once(variant: str) -> bool:
    """Whether it runs the model as it is written, with nothing compiled or captured."""
    return all(part.ready_at_once for part in parts_of(variant))


def must_agree(comparison: Comparison) -> bool:
    """Whether both ways must make the same, or no speedup is told; two libraries may differ."""
    if comparison.variant == RIVAL:
        return False
    return promises(comparison.variant) and promises(comparison.baseline)


def as_built(variant: str, baseline: str) -> str:
    """The variant whose state a model is in: that of the baseline, where it is run twice."""
    return baseline if variant == A_A else variant
