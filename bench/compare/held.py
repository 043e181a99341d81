"""Quantities with an interval, held against what is allowed: all of a file's at once. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.compare import regression
from bench.compare.regression import Judged, Measured, Pair
from bench.compare.values import Finding, Judgement
from bench.compare.words import relative
from bench.statistics.diagnosis import OTHERS
from semibackward_bench.grammar import counted

SHARE_OF_ALARMS: Mapping[str, float] = {"speedup": 0.8, "seconds": 0.2}
"""How the one file in twenty that may fail without a loss is shared by the metrics that are tested.
Seconds are only good for large losses, which need no large part of it."""

NO_PROOF = "more than is allowed, and too little to tell from a slower moment of the machine"
FEW_BLOCKS = "too few blocks for an interval; measure longer"
OTHER_PROGRAMS = "other programs may have cost up to {} of time"


@dataclass(frozen=True)
class Held:
    """A finding that waits for all others to be judged.

    Attributes:
        finding: as it is without a judgement.
        pair: what is tested.
        only_shown: whether it is told where it stays open, and not inconclusive.
        same: whether both are of the very same samples.
        few: why there may be no interval, and what to do.
        slow: what may have slowed either down, in words with a place for the share of time.
    """

    finding: Finding
    pair: Pair
    only_shown: bool = False
    same: bool = False
    slow: str = OTHER_PROGRAMS
    few: str = FEW_BLOCKS


def of(
    what: tuple[str, str, str, str, str],
    pair: Pair,
    values: tuple[float | None, float],
    *,
    only_shown: bool = False,
) -> Held:
    """One quantity.

    Args:
        what: subject, variant, metric, quantity and unit, as `Finding` has them.
        pair: then and now.
        values: the same as they are printed; None then where it can't be compared.
        only_shown: as `Held` has it.
    """
    name, variant, metric, quantity, unit = what
    new, share = pair.new, pair.share
    finding = Finding(
        name,
        variant,
        metric,
        quantity,
        "told",
        base=values[0],
        new=values[1],
        unit=unit,
        low=None if new is None else new.low,
        high=None if new is None else new.high,
        share=share if math.isfinite(share) else None,
    )
    return Held(finding, pair, only_shown)


def judge(tests: Sequence[Held]) -> list[Judged | None]:
    """Judge all quantities of a file; None of what is held against nothing.

    The tests of each metric are a family. Together they fail a file without a loss as seldom as one
    family would.
    """
    answers: list[Judged | None] = [None] * len(tests)
    families: dict[str, list[int]] = {}
    for index, one in enumerate(tests):
        if math.isfinite(one.pair.share):
            families.setdefault(one.finding.metric, []).append(index)
    whole = sum(SHARE_OF_ALARMS[metric] for metric in families)
    for metric, indices in families.items():
        pairs = [tests[index].pair for index in indices]
        found = regression.judge(pairs, weight=SHARE_OF_ALARMS[metric] / whole)
        for index, answer in zip(indices, found, strict=True):
            answers[index] = answer
    return answers


def numbers(tests: Sequence[Held]) -> Mapping[str, int]:
    """How many quantities of each metric are held against something."""
    return Counter(one.finding.metric for one in tests if math.isfinite(one.pair.share))


def told(one: Held, answer: Judged | None, tests: int) -> Finding:
    """The finding with its judgement and a sentence.

    Args:
        one: what was tested.
        answer: what came of it.
        tests: how many of its metric there were.
    """
    finding = one.finding
    if answer is None:
        return finding
    if one.same:
        seen = _visible(one.pair, answer)
        return replace(finding, judgement="unchanged", p=answer.p, visible=seen, same=True)
    judgement: Judgement = answer.judgement
    if answer.ratio is None or answer.low is None or answer.high is None:
        if one.only_shown:
            return finding
        said = f"{finding.quantity}: {one.few}"
        return replace(finding, judgement=judgement, said=said)
    said = change(one, answer)
    if judgement == "inconclusive" and one.only_shown:
        judgement = "told"
        larger = math.log(answer.ratio) > one.pair.margin
        said = f"{said}: {NO_PROOF}" if larger else ""
    elif judgement == "inconclusive":
        said += _left_open(one, answer, tests)
    elif judgement == "regression":
        said += f", where {share(one.pair)} is allowed"
    elif judgement == "unchanged":
        said = ""
    return replace(
        finding, judgement=judgement, said=said, p=answer.p, visible=_visible(one.pair, answer)
    )


def change(one: Held, answer: Judged) -> str:
    """What a quantity was and is, with the interval of its change."""
    finding = one.finding
    assert answer.ratio is not None
    assert answer.low is not None
    assert answer.high is not None
    value = f"{finding.base:.3g} → {finding.new:.3g}{' ' if finding.unit else ''}{finding.unit}"
    return (
        f"{finding.quantity} {relative(1, answer.ratio)} ({value}; between"
        f" {relative(1, answer.low)} and {relative(1, answer.high)})"
    )


def share(pair: Pair) -> str:
    """How much is allowed, in words."""
    return f"{100 * pair.share:g} %"


def _left_open(one: Held, answer: Judged, tests: int) -> str:
    said = f": a loss of {share(one.pair)} is not ruled out"
    most = max(math.expm1(both.slowed) for both in (one.pair.base, one.pair.new) if both)
    if most >= OTHERS:
        said += f", since {one.slow.format(f'{100 * most:.0f} %')}"
    if answer.alone:
        said = f"{said}, and would be one by itself, but not among {counted(tests, 'test')}"
    return said


def _visible(pair: Pair, answer: Judged) -> float | None:
    """The least loss that could have failed, as `Finding.share` tells one."""
    if answer.visible is None:
        return None
    return 1 - answer.visible if pair.more_is_better else answer.visible - 1


def of_seconds(
    who: tuple[str, str],
    measured: tuple[Measured | None, Measured | None],
    middles: tuple[float | None, float],
    allowed: float,
    *,
    only_shown: bool = False,
) -> Held:
    """Seconds.

    Args:
        who: subject and variant.
        measured: then and now.
        middles: what is printed of one without an interval; None then where it can't be compared.
        allowed: how much worse they may get.
        only_shown: as `Held` has it.
    """
    base, new = (
        middle if found is None or middle is None else math.exp(found.log)
        for found, middle in zip(measured, middles, strict=True)
    )
    assert new is not None
    return of(
        (*who, "seconds", "seconds", "s"),
        Pair(*measured, allowed, more_is_better=False),
        (base, new),
        only_shown=only_shown,
    )
