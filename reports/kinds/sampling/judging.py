"""What the paper says, held against records: one judgement, and what makes it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.kinds.sampling.growing import FOUND, NOT_FOUND, UNTOLD
from reports.kinds.sampling.measures import Difference, Evaluated
from reports.kinds.sampling.published import Row
from reports.kinds.sampling.words import base, defence, options, samples, short_name

SAP, PERCENT = "sap", 100.0
WELL = 4.0
"""The λ above which ADV + SAP is the best calibrated (section 4.1.3)."""


@dataclass(frozen=True)
class Judgement:
    """One row.

    Attributes:
        claim: of the paper, in few words.
        section: of the paper.
        network: it is judged on.
        compared: what was held against what.
        strength: λ; of several, which.
        apart: how far the two lie apart, with its interval.
        outcome: found, not found, or can't be told.
        known: what was published, in a cell.
        rows: what was published.
    """

    claim: str
    section: str
    network: str
    compared: str
    strength: str
    apart: str
    outcome: str
    known: str = "-"
    rows: tuple[Row, ...] = ()


def is_sap(each: Evaluated) -> bool:
    found = defence(each.case)
    return (found.name, found.value) == (SAP, PERCENT)


def strongest(found: Sequence[Evaluated]) -> list[Evaluated]:
    """Of each network and defence the attack by the most samples."""
    best: dict[tuple[str, str], Evaluated] = {}
    for each in found:
        key = each.case.model, options(each.case).defence
        other = best.get(key)
        if other is None or options(each.case).samples > options(other.case).samples:
            best[key] = each
    return list(best.values())


def against(first: Evaluated, second: Evaluated) -> str:
    """What is held against what, with the samples of the gradients."""
    return " against ".join(
        f"{short_name(each.case)}, N = {samples(each.case)}"
        if options(each.case).draws
        else short_name(each.case)
        for each in (first, second)
    )


def side(apart: Difference | None, bound: float = 0.0, *, above: bool = True) -> str:
    """Whether a difference lies above a bound, or below it."""
    if apart is None:
        return UNTOLD
    low, high = apart.found.low, apart.found.high
    if low > bound:
        return FOUND if above else NOT_FOUND
    if high < bound:
        return NOT_FOUND if above else FOUND
    return UNTOLD


def cell(apart: Difference | None) -> str:
    return "-" if apart is None else apart.told


def untrained(each: Evaluated) -> bool:
    """Whether the network is the plainly trained one."""
    return each.case.model == base(each.case)
