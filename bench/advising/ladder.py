"""The rungs: which parts are tried on what has gained so far, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.cases import FORWARD_ONLY, SEMI_BACKWARD
from bench.variants import naming
from bench.variants.base import CUDA

LAYOUT = "channels-last"
COMPILED = "compiled"
_OTHER_NUMBERS = ("tf32",), ("bf16", "fp16"), (LAYOUT,)
"""A layout that gains nothing in float32 may in half of its bits."""
_ON_CUDA_ALONE = ("fp16",)
"""Beside those parts that are for nothing else: on a CPU it takes longer than float32 does."""


@dataclass(frozen=True)
class Ground:
    """What is climbed on.

    Attributes:
        device: torch's name of it.
        fitting: the variants and parts that fit the case, as its kind has them.
        usual: those that it is measured in if none is named.
        exact: whether the answer must make the same examples.
        asked: variants to try in place of the ladder; empty for the ladder.
    """

    device: str
    fitting: tuple[str, ...]
    usual: tuple[str, ...] = (SEMI_BACKWARD,)
    exact: bool = True
    asked: tuple[str, ...] = ()

    def has(self, part: str) -> bool:
        """Whether a part fits the case, and is for such a device."""
        kind = self.device.partition(":")[0]
        if part in _ON_CUDA_ALONE and kind != CUDA:
            return False
        return part in self.fitting and kind in naming.PARTS[part].devices


def first(ground: Ground) -> str:
    """The part that the rest is built on: of a black-box attack, no gradient at all."""
    free = FORWARD_ONLY in ground.usual and ground.has(FORWARD_ONLY)
    return FORWARD_ONLY if free else SEMI_BACKWARD


def stages(ground: Ground) -> Iterator[tuple[str, ...]]:
    """What is tried after that, one after the other: parts of which at most one is kept.

    What has to be made ready comes last, so that it need be only once.
    """
    every: Sequence[tuple[str, ...]] = [(LAYOUT,)]
    if not ground.exact:
        every = [*every, *_OTHER_NUMBERS]
    for stage in (*every, (COMPILED, "graphed")):
        parts = tuple(filter(ground.has, stage))
        if parts:
            yield parts


def goes_with(part: str, base: Sequence[str]) -> bool:
    """Whether a part can be added to others."""
    return not any(
        part in naming.PARTS[other].excludes or other in naming.PARTS[part].excludes
        for other in base
    )


def made_ready(variant: str) -> bool:
    """Whether it has to be compiled or captured first."""
    return not all(part.ready_at_once for part in naming.parts_of(variant))


def size(variant: str) -> tuple[bool, int]:
    """How simple a variant is; the least is the simplest."""
    return made_ready(variant), len(naming.parts_of(variant))
