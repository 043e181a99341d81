"""What sets a variant apart from what it is held against, and how both are called. Pure.

Sentences on causes know one change: the parameters are frozen, or no gradient is asked for, and
all else is as it is in the baseline. What else a variant is made of is told as it was measured, and
explained by nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from bench.cases import A_A, BASELINE, FORWARD_ONLY, RIVAL, SEMI_BACKWARD, against
from bench.records.types import ComparisonRecord
from bench.variants.naming import JOINT, PARTS, parts_of
from reports.reading.words import variant_spelt
from semibackward_bench.grammar import counted

SEVERAL = "baseline"
"""What several baselines are called together."""
EAGER, COMPILED = "eager", "compiled"
"""The modes in which a model runs."""
_COMPILING = frozenset({"compiled", "aot-eager"})
"""The parts by which Dynamo captures a model and AOTAutograd makes its backward pass."""


class Held(Protocol):
    """A variant and what it is held against, as comparisons and counts have both."""

    @property
    def baseline(self) -> str: ...

    @property
    def variant(self) -> str: ...


def parts(way: str) -> frozenset[str]:
    """The names of what a variant is made of; nothing of the original."""
    return frozenset() if way in (BASELINE, A_A, RIVAL) else frozenset(way.split(JOINT))


def mode(way: str) -> str:
    """The mode in which a variant runs a model, whatever else it does."""
    return COMPILED if parts(way) & _COMPILING else EAGER


def freezes(held: Held) -> bool:
    """Whether frozen parameters are all that sets it apart, as of compiled+semi-backward over
    compiled."""
    return _adds(held) == SEMI_BACKWARD


def infers(held: Held) -> bool:
    """The same of a forward pass that records no gradient."""
    return _adds(held) == FORWARD_ONLY


def explained(held: Held) -> bool:
    """Whether there are sentences on causes for what sets it apart; of nothing there are some."""
    return held.variant == A_A or freezes(held) or infers(held)


def usual(held: Held) -> bool:
    """Whether that is so, and it is held against the original."""
    return held.baseline == BASELINE and explained(held)


def called(held: Held) -> str:
    """A variant in words, as "semi-backward", "original again" or "bf16 over compiled"."""
    if held.variant == A_A:
        return again(held.baseline)
    return against(held.variant, held.baseline)


def spelt(held: Held) -> str:
    """The same without its baseline, where that is told beside it."""
    return again(held.baseline) if held.variant == A_A else held.variant


def recorded(held: Held) -> str:
    """A variant as records call it, with its baseline where that is not the original."""
    return held.variant if held.baseline == BASELINE else called(held)


def again(way: str) -> str:
    """A baseline that is held against itself."""
    return variant_spelt(A_A) if way == BASELINE else f"{way} again"


def the(way: str) -> str:
    """A way to run a case, within a sentence."""
    return f"the {way}" if way in (BASELINE, SEVERAL) else way


def baseline_of(held: Iterable[Held]) -> str:
    """What several are held against: its name, or "baseline" where they have several."""
    return _common({one.baseline for one in held}, SEVERAL)


def variant_of(held: Iterable[Held]) -> str:
    """The same of what is held against it."""
    return _common({one.variant for one in held}, "variant")


def lines(variant: str, device: str) -> list[str]:
    """Lines of Python that put a user's `model` into a variant's state; none of an unknown one.

    Args:
        variant: by its name.
        device: torch's name of the device that the model is on.
    """
    if not parts(variant) <= PARTS.keys():
        return []
    return [line for part in parts_of(variant) for line in part.lines(device)]


def gradients(record: ComparisonRecord) -> str | None:
    """Of how many parameters each way computes gradients in a run; None where nobody counted."""
    found = record.gradients or {}
    before, after = found.get(record.baseline), found.get(record.variant)
    if not isinstance(before, int) or not isinstance(after, int):
        return None
    of = counted(found.get("parameters"), "parameter gradient")
    return f"of {of} {the(record.baseline)} computes {before} and {record.variant} {after}"


def _adds(held: Held) -> str | None:
    """The one part that a variant has and its baseline lacks; None where more sets them apart."""
    before, after = parts(held.baseline), parts(held.variant)
    more = after - before
    return next(iter(more)) if before <= after and len(more) == 1 else None


def _common(names: set[str], otherwise: str) -> str:
    return names.pop() if len(names) == 1 else otherwise
