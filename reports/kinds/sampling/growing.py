"""Whether an attack by more samples finds more, or the gradient of the dense network does: what the
noise of few samples hides (gradient masking: Athalye et al. 2018). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.statistics.estimate import CONFIDENCE
from reports.kinds.sampling import accuracy, measures
from reports.kinds.sampling.measures import Evaluated
from reports.kinds.sampling.words import (
    NOISE,
    OWN,
    defended,
    is_dense,
    options,
    samples,
    where,
)
from reports.reading import models
from reports.table import Table

FOUND, NOT_FOUND, UNTOLD = "found", "not found", "can't be told"
"""What is said of something that records may or may not show."""
NEGLIGIBLE = 1.0
"""Percentage points within which nothing changes."""


@dataclass(frozen=True)
class Growing:
    """A defended network under one attack by several numbers of samples.

    Attributes:
        by_samples: in the order of N, gradients its own.
        dense: by the gradient of the dense network, where there is one.
        without: the dense network under the same attack, where it was judged.
    """

    by_samples: Sequence[Evaluated]
    dense: Evaluated | None
    without: Evaluated | None

    @property
    def name(self) -> str:
        """What is attacked how."""
        first = self.by_samples[0]
        return f"{defended(first.case)} on {models.name(first.case)} under {first.attack}"


def families(group: Sequence[Evaluated]) -> list[Growing]:
    """Those of a table, each defended network and attack once, that have several N, or one and the
    dense network's gradient."""
    found: dict[tuple[object, ...], list[Evaluated]] = {}
    for each in group:
        if each.case.attack != NOISE and options(each.case).draws:
            found.setdefault(_alike(each), []).append(each)
    made = []
    for some in found.values():
        own = [each for each in some if options(each.case).gradient == OWN]
        other = [each for each in some if options(each.case).gradient != OWN]
        own.sort(key=lambda each: options(each.case).samples)
        if own and len(own) + len(other) > 1:
            made.append(
                Growing(
                    own, other[-1] if other else None, without(own[0], group, own[0].case.model)
                )
            )
    return made


def _alike(each: Evaluated) -> tuple[object, ...]:
    """All but N and whose gradient is followed."""
    case, found = each.case, options(each.case)
    step = found.step if case.attack == accuracy.ITERATIVE else None
    asked = (case.model, case.weights, found.defence, case.attack, step)
    return *asked, case.batch, each.passes


def without(each: Evaluated, group: Sequence[Evaluated], model: str) -> Evaluated | None:
    """A network without a defence, under the same attack."""
    return next(
        (
            other
            for other in group
            if other.case.model == model
            and is_dense(other.case)
            and other.case.attack == each.case.attack
        ),
        None,
    )


def of(found: Sequence[Evaluated]) -> Iterator[Table]:
    """A table for each data on which something was attacked by several numbers of samples."""
    for group in measures.grouped(found):
        known = families(group)
        if known:
            yield _table(group, known)


def _table(group: Sequence[Evaluated], known: Sequence[Growing]) -> Table:
    strengths = accuracy.all_strengths(group)
    rows = []
    for each in known:
        own = [(f"own, N = {samples(one.case)}", one) for one in each.by_samples]
        more = [("of the dense network", each.dense), ("dense network itself", each.without)]
        for told, one in [*own, *more]:
            if one is not None:
                shown = accuracy.by_strength(one.accuracy, strengths)
                rows.append((each.name, told, str(one.images), *shown))
    return Table(
        f"Accuracy by λ against samples of the gradient, in percent, on {where(group[0].case)}",
        ("under attack", "gradient", "images", *(f"λ = {strength:g}" for strength in strengths)),
        tuple(rows),
        (*(text for each in known for text in sentences(each)), _HOW),
    )


_HOW = (
    "Differences are in percentage points, with intervals (95 %, widened for as many λ as are"
    " compared by Bonferroni) of the mean over networks (Student's t), or of one network's images"
    " (Newcombe 1998), which they have alike."
)


def sentences(each: Growing) -> Iterator[str]:
    """What more samples do, and what the dense network's gradient does."""
    fewest, most = each.by_samples[0], each.by_samples[-1]
    counts = f"N = {samples(fewest.case)} to N = {samples(most.case)}"
    if options(fewest.case).samples < options(most.case).samples:
        falls = lower(most, fewest)
        yield f"{each.name}: accuracy falls from {counts}: {falls}{_masked(falls)}."
    if each.dense is not None:
        worse = lower(each.dense, most)
        yield (
            f"{each.name}: accuracy is lower by the gradient of the dense network than by its own,"
            f" N = {samples(most.case)}: {worse}."
        )


def _masked(falls: str) -> str:
    if not falls.startswith(FOUND) or "higher" in falls:
        return ""
    return (
        "; so much of the accuracy under fewer samples is the noise of the attacker's gradient, not"
        " robustness (gradient masking: Athalye et al. 2018)"
    )


def lower(first: Evaluated, second: Evaluated) -> str:
    """Whether the first's accuracy is lower with some λ above 0.

    Found where some interval lies below 0 and none above; not found where some lies above and none
    below, or where all are within a point of 0; else it can't be told.
    """
    shared = [s for s in first.strengths if s > 0 and s in second.strengths]
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(shared))
    found = {
        strength: apart
        for strength in shared
        if (apart := measures.difference(first, second, strength, confidence)) is not None
    }
    if not found:
        return f"{UNTOLD}: no λ above 0 has both on the same images"
    below = [strength for strength, apart in found.items() if apart.found.high < 0]
    above = [strength for strength, apart in found.items() if apart.found.low > 0]
    told = "; ".join(f"λ = {strength:g}: {apart.told}" for strength, apart in found.items())
    if below and not above:
        return f"{FOUND} at λ = {_listed(below)} ({told})"
    if above and not below:
        return f"{NOT_FOUND}, it is higher at λ = {_listed(above)} ({told})"
    if above:
        return f"{FOUND} at λ = {_listed(below)}, but higher at λ = {_listed(above)} ({told})"
    ends = [end for apart in found.values() for end in (apart.found.low, apart.found.high)]
    if max(map(abs, ends)) <= NEGLIGIBLE:
        return f"{NOT_FOUND}, it stays within {NEGLIGIBLE:g} point ({told})"
    return f"{UNTOLD} with so few images or networks ({told})"


def _listed(strengths: Sequence[float]) -> str:
    return ", ".join(f"{strength:g}" for strength in strengths)
