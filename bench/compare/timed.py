"""Two files of comparisons: what the intervals say, and which side of a ratio moved. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from bench.cases import against
from bench.compare import held, limits, moved, regression, statuses, together
from bench.compare.held import Held
from bench.compare.limits import Allowed
from bench.compare.matching import Matched
from bench.compare.moved import Side
from bench.compare.regression import Judged, Measured, Pair, Samples
from bench.compare.values import Finding, Judgement
from bench.compare.words import relative
from bench.records.types import ComparisonRecord

Key = tuple[str, str, str]
"""Of a quantity: subject, variant, metric."""


@dataclass(frozen=True)
class _Ratio:
    """A speedup that waits for its sides' seconds to be judged."""

    of: Held
    base: ComparisonRecord
    new: ComparisonRecord


@dataclass(frozen=True)
class _Known:
    """What all tests of a file came to, by the quantity."""

    tests: Mapping[Key, Held]
    answers: Mapping[Key, Judged | None]


def findings(matched: Matched[ComparisonRecord], allowed: Allowed) -> list[Finding]:
    """What became of each case that both files have: status, speedup, seconds, memory."""
    found: list[Finding | Held | _Ratio] = []
    seen: set[tuple[str, str]] = set()
    for name, (base, new) in zip(matched.names, matched.pairs, strict=True):
        found += statuses.findings(name, base, new)
        found += statuses.levels(name, base, new)
        found += _speedup(name, base, new, allowed)
        for variant in (new.baseline, new.variant):
            if (name, variant) in seen:
                continue  # a baseline that several variants are held against is told once
            seen.add((name, variant))
            share = {
                metric: allowed.share(metric, limits.facts(new.case, variant))
                for metric in ("seconds", "memory", "gradients")
            }
            found += _of_seconds((name, variant), base, new, allowed, share["seconds"])
            found += _gradients(name, variant, base, new, share["gradients"])
            found += _memory(name, variant, base, new, share["memory"])
    of_seconds = [one for one in found if isinstance(one, Held)]
    all_cases = together.of_cases(of_seconds, allowed.shares["seconds"])
    return _judged(found if all_cases is None else [*found, all_cases])


def _judged(found: Iterable[Finding | Held | _Ratio]) -> list[Finding]:
    """Judge all tests together, then the ratios by what became of their sides."""
    found = list(found)
    tests = [
        one.of if isinstance(one, _Ratio) else one for one in found if not isinstance(one, Finding)
    ]
    answers = held.judge(tests)
    known = _Known(
        {_key(test.finding): test for test in tests},
        {_key(test.finding): answer for test, answer in zip(tests, answers, strict=True)},
    )
    numbers = held.numbers(tests)
    told = []
    for one in found:
        if isinstance(one, Finding):
            told.append(one)
            continue
        test = one.of if isinstance(one, _Ratio) else one
        answer = known.answers[_key(test.finding)]
        finding = held.told(test, answer, numbers.get(test.finding.metric, 0))
        if isinstance(one, _Ratio) and answer is not None:
            finding = _attributed(one, finding, answer, known)
        told.append(finding)
    return told


def _key(finding: Finding) -> Key:
    return finding.subject, finding.variant, finding.metric


def _attributed(ratio: _Ratio, finding: Finding, answer: Judged, known: _Known) -> Finding:
    """A speedup that moved, judged by which side moved it."""
    if answer.judgement not in ("regression", "improvement"):
        return finding
    base, new = ratio.base, ratio.new
    assert base.speedup is not None
    assert new.speedup is not None
    sides = [_side(name, finding.subject, ratio, known) for name in (new.baseline, new.variant)]
    said = held.change(ratio.of, answer)
    if answer.judgement == "regression":
        least = min(1.0, base.speedup.estimate) * (1 - ratio.of.pair.share)
        below_one = new.speedup.high is not None and new.speedup.high < least
        found = moved.fell(*sides, below_one=below_one)
        if found.judgement == "regression":
            said += f", where {held.share(ratio.of.pair)} is allowed"
    else:
        found = moved.rose(*sides)
    judgement = found.judgement
    own = known.answers.get((finding.subject, new.baseline, "seconds"))
    if answer.judgement == "improvement" and own is not None and own.judgement == "regression":
        judgement = "told"  # the baseline's own seconds are the regression
    if judgement == "improvement" and statuses.looser(base, new):
        judgement = "told"  # it is faster at something else
    return replace(finding, judgement=judgement, said=said + found.said)


def _side(variant: str, subject: str, ratio: _Ratio, known: _Known) -> Side:
    then, now = ((record.gradients or {}).get(variant) for record in (ratio.base, ratio.new))
    both = isinstance(then, int) and isinstance(now, int)
    side = Side(variant, gradients=(int(then), int(now)) if both else None)  # type: ignore[arg-type]
    test = known.tests.get((subject, variant, "seconds"))
    if test is None or test.finding.base is None or test.finding.new is None:
        return side
    seconds = (test.finding.base, test.finding.new)
    return replace(side, seconds=seconds, shown=regression.shown(test.pair))


def _speedup(
    name: str, base: ComparisonRecord, new: ComparisonRecord, allowed: Allowed
) -> Iterator[_Ratio]:
    if base.speedup is None or new.speedup is None:
        return
    share = allowed.share("speedup", limits.facts(new.case, new.variant))
    then, now = regression.of_speedup(base.speedup), regression.of_speedup(new.speedup)
    what = (name, against(new.variant, new.baseline), "speedup", "speedup", "")
    values = (base.speedup.estimate, new.speedup.estimate)
    ratio = held.of(what, Pair(then, now, share, more_is_better=True), values)
    same = base.seconds == new.seconds and base.speedup == new.speedup
    yield _Ratio(replace(ratio, same=same), base, new)


def _of_seconds(
    who: tuple[str, str],
    base: ComparisonRecord,
    new: ComparisonRecord,
    allowed: Allowed,
    share: float,
) -> Iterator[Held]:
    first, second = _seconds(base, who[1]), _seconds(new, who[1])
    if not first or not second:
        return
    then = None if "seconds" in allowed.apart else regression.middle(first)
    found = held.of_seconds(
        who,
        (_measured(base, first), _measured(new, second)),
        (then, regression.middle(second)),
        share,
        only_shown="seconds" not in allowed.named,
    )
    yield replace(found, same=first == second)


def _seconds(record: ComparisonRecord, variant: str) -> dict[int, list[float]]:
    """The mean of each block's two runs of a variant, by process; repeated blocks do not count."""
    samples = record.seconds.get(variant, [])
    found: dict[int, list[float]] = {}
    for index, process in enumerate(record.processes):
        block = samples[2 * index : 2 * index + 2]
        if block and index not in record.repeated:
            found.setdefault(process, []).append(sum(block) / len(block))
    return found


def _measured(record: ComparisonRecord, samples: Samples) -> Measured | None:
    """Seconds, with what other programs may have cost them in the worst of the processes.

    A GPU is not shared with the programs that keep the processor busy.
    """
    on_cpu = record.case.device == "cpu"
    slowed = max((found.slowed for found in record.conditions if on_cpu), default=1.0)
    return regression.of_seconds(samples, on_cpu=on_cpu, slowed=slowed)


def _memory(
    name: str, variant: str, base: ComparisonRecord, new: ComparisonRecord, share: float
) -> Iterable[Finding]:
    """Peaks repeat themselves, so a plain limit does."""
    first, second = (float((record.memory or {}).get(variant, 0)) for record in (base, new))
    if not first or not second:
        return
    judgement: Judgement = "unchanged"
    said = f"peak memory {relative(first, second)} ({first / 1e6:.4g} → {second / 1e6:.4g} MB)"
    if second > first * (1 + share):
        judgement = "regression"
        said += f", where {100 * share:g} % is allowed"
    elif second * (1 + share) < first:
        judgement = "improvement"
    elif math.isinf(share):
        judgement = "told"
    yield Finding(
        name,
        variant,
        "memory",
        "peak memory",
        judgement,
        said if judgement in ("regression", "improvement") else "",
        base=first,
        new=second,
        unit="bytes",
        share=share if math.isfinite(share) else None,
    )


def _gradients(
    name: str, variant: str, base: ComparisonRecord, new: ComparisonRecord, share: float
) -> Iterator[Finding]:
    """Why a time changed, where the gradients say it; their number is exact."""
    first, second = ((record.gradients or {}).get(variant) for record in (base, new))
    if not isinstance(first, int) or not isinstance(second, int):
        return
    judgement: Judgement = "unchanged"
    if first != second:
        judgement = "improvement" if second < first else "told"
    if second > first * (1 + share) and math.isfinite(share):
        judgement = "regression"
    yield Finding(
        name,
        variant,
        "gradients",
        "parameter gradients",
        judgement,
        "" if first == second else f"it {moved.computes(first, second)}",
        base=first,
        new=second,
        unit="gradients",
        share=share if math.isfinite(share) else None,
    )
