"""Two files of comparisons, or of pytest-benchmark's: what the intervals say. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.compare import limits, regression, statuses
from bench.compare.limits import Allowed
from bench.compare.matching import Matched
from bench.compare.reading import Benchmarks
from bench.compare.regression import Judged, Measured, Pair
from bench.compare.values import Finding, Judgement
from bench.compare.words import relative
from bench.records.types import ComparisonRecord
from bench.statistics.diagnosis import OTHERS

Samples = Mapping[int, Sequence[float]]
"""Seconds by process, each in the order they were measured."""


@dataclass(frozen=True)
class Test:
    """A finding that waits for all others to be judged."""

    __test__ = False

    finding: Finding
    pair: Pair


def findings(matched: Matched[ComparisonRecord], allowed: Allowed) -> list[Finding]:
    """What became of each case that both files have: status, speedup, seconds, memory."""
    found: list[Finding | Test] = []
    seen: set[tuple[str, str]] = set()
    for name, (base, new) in zip(matched.names, matched.pairs, strict=True):
        found += statuses.findings(name, base, new)
        found += statuses.levels(name, base, new)
        if base.speedup is not None and new.speedup is not None:
            share = allowed.share("speedup", limits.facts(new.case, new.variant))
            found.append(
                _test(
                    (name, new.variant, "speedup", "speedup", ""),
                    regression.of_speedup(base.speedup),
                    regression.of_speedup(new.speedup),
                    share,
                    (base.speedup.estimate, new.speedup.estimate),
                )
            )
        for variant in (new.baseline, new.variant):
            if (name, variant) in seen:
                continue  # a baseline that several variants are held against is told once
            seen.add((name, variant))
            facts = limits.facts(new.case, variant)
            first, second = _seconds(base, variant), _seconds(new, variant)
            if first and second:
                share = allowed.share("seconds", facts)
                measured = (_measured(base, first), _measured(new, second))
                found.append(_of_samples((name, variant), (first, second), measured, share))
            found += _memory(name, variant, base, new, allowed.share("memory", facts))
            found += _gradients(name, variant, base, new)
    return _judged(found)


def of_benchmarks(
    base: Benchmarks, new: Benchmarks, allowed: Allowed
) -> tuple[list[Finding], list[str], list[str]]:
    """What became of each test that both files have, and the names of the others."""
    common = [name for name in new.samples if name in base.samples]
    found: list[Finding | Test] = []
    for name in common:
        first, second = {0: base.samples[name]}, {0: new.samples[name]}
        measured = (regression.of_seconds(first), regression.of_seconds(second))
        share = allowed.share("seconds", {"name": name})
        found.append(_of_samples((name, ""), (first, second), measured, share))
    return (
        _judged(found),
        [name for name in base.samples if name not in new.samples],
        [name for name in new.samples if name not in base.samples],
    )


def _judged(found: list[Finding | Test]) -> list[Finding]:
    """Judge all tests together, as one family."""
    tests = [one for one in found if isinstance(one, Test) and math.isfinite(one.pair.share)]
    judged = iter(zip(tests, regression.judge([test.pair for test in tests]), strict=True))
    known = {id(test): answer for test, answer in judged}
    return [
        one if isinstance(one, Finding) else _told(one, known.get(id(one)), len(tests))
        for one in found
    ]


def _test(
    what: tuple[str, str, str, str, str],
    base: Measured | None,
    new: Measured | None,
    share: float,
    values: tuple[float, float],
) -> Test:
    name, variant, metric, quantity, unit = what
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
    return Test(finding, Pair(base, new, share, more_is_better=metric == "speedup"))


def _of_samples(
    who: tuple[str, str],
    samples: tuple[Samples, Samples],
    measured: tuple[Measured | None, Measured | None],
    share: float,
) -> Test:
    base, new = (
        math.exp(found.log) if found else _middle(theirs)
        for found, theirs in zip(measured, samples, strict=True)
    )
    return _test((*who, "seconds", "seconds", "s"), *measured, share, (base, new))


def _middle(samples: Samples) -> float:
    every = sorted(second for found in samples.values() for second in found)
    return every[len(every) // 2]


def _told(test: Test, judged: Judged | None, tests: int) -> Finding:
    """The finding with its judgement and a sentence."""
    finding = test.finding
    if judged is None:
        return finding
    judgement: Judgement = judged.judgement
    if judged.ratio is None or judged.low is None or judged.high is None:
        said = f"{finding.quantity}: too few blocks for an interval; measure longer"
        return replace(finding, judgement=judgement, said=said)
    value = f"{finding.base:.3g} → {finding.new:.3g}{' ' if finding.unit else ''}{finding.unit}"
    share = f"{100 * test.pair.share:g} %"
    said = (
        f"{finding.quantity} {relative(1, judged.ratio)} ({value}; between"
        f" {relative(1, judged.low)} and {relative(1, judged.high)})"
    )
    if judgement == "inconclusive":
        said += f": a loss of {share} is not ruled out"
        most = max(math.expm1(one.slowed) for one in (test.pair.base, test.pair.new) if one)
        if most >= OTHERS:
            said += f", since other programs may have cost up to {100 * most:.0f} % of time"
        if judged.alone:
            said = f"{said}, and would be one by itself, but not among {tests} tests"
    elif judgement == "regression":
        said += f", where {share} is allowed"
    elif judgement == "unchanged":
        said = ""
    return replace(finding, judgement=judgement, said=said, p=judged.p)


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
    name: str, variant: str, base: ComparisonRecord, new: ComparisonRecord
) -> Iterable[Finding]:
    """Why a time changed, where the gradients say it."""
    first, second = ((record.gradients or {}).get(variant) for record in (base, new))
    if first is not None and second is not None and first != second:
        said = f"it computes the gradients of {second} parameters ({first} before)"
        yield Finding(name, variant, "gradients", "parameter gradients", "told", said)
