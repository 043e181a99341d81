"""The command `compare`, but for what it prints: read, check, find. Imports no torch."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.cases import against
from bench.compare import (
    benchmarked,
    counted,
    environments,
    limits,
    matching,
    missing,
    reading,
    renaming,
    timed,
)
from bench.compare.limits import Allowed, Facts
from bench.compare.matching import Matched, R
from bench.compare.reading import Benchmarks, File
from bench.compare.values import Compared, Finding, Missing
from bench.errors import EnvironmentMismatch, UsageError


def compare(asked: argparse.Namespace) -> Compared:
    """Compare what was asked.

    Args:
        asked: the parsed command line.

    Raises:
        UsageError: a file or an option can't be used, or the files have nothing in common.
        EnvironmentMismatch: they were made in environments that can't be compared.
    """
    base, new = reading.both(asked.base, asked.new)
    allowed = limits.allowed(base.kind, asked.fail_if, asked.overrides)
    allowed, notes = _settled(base, new, allowed, bool(asked.allow_env_mismatch))
    sides = _sides(base, new, allowed, asked.rename)
    if not sides.known:
        hint = f"; pair them by hand: {sides.suggested[0]}" if sides.suggested else ""
        raise UsageError(
            f"{base.path} and {new.path} have no case in common: the first has"
            f" {_few(sides.gone)}, the second {_few(sides.come)}{hint}"
        )
    notes += [f"{old} is compared with {now}, as --rename asks" for old, now in sides.renamed]
    notes += [f"an override fits no case: {text}" for text in allowed.unused(sides.known)]
    fails: Missing = asked.missing or ("fail" if asked.strict else "tell")
    return Compared(
        base.kind,
        str(base.path),
        str(new.path),
        sides.cases,
        tuple(sides.found),
        sides.gone,
        sides.come,
        tuple(notes),
        fails,
        sides.suggested,
    )


@dataclass(frozen=True)
class _Sides:
    """Two files side by side.

    Attributes:
        found: what is told of them.
        known: what an override can ask of each variant of the common cases.
        cases: how many are common.
        gone, come: the others, each in words.
        renamed: names then and now of cases that were paired by hand.
        suggested: options that pair others.
    """

    found: list[Finding]
    known: list[Facts]
    cases: int
    gone: tuple[str, ...]
    come: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    suggested: tuple[str, ...]


def _sides(base: File, new: File, allowed: Allowed, rename: Sequence[str]) -> _Sides:
    """Both files side by side.

    Raises:
        UsageError: what --rename was given fits no two cases.
    """
    if base.kind == "pytest-benchmark":
        return _of_benchmarks(base.benchmarks, new.benchmarks, allowed, rename)
    if base.kind == "counts":
        counts = matching.match(base.run.counts, new.run.counts, rename)
        found = [*counted.findings(counts, allowed), *missing.cases(counts, new.run.counts)]
        return _of_records(counts, found)
    matched = matching.match(base.run.comparisons, new.run.comparisons, rename)
    found = [*timed.findings(matched, allowed), *missing.values(matched, allowed)]
    return _of_records(matched, [*found, *missing.cases(matched, new.run.comparisons)])


def _of_records(matched: Matched[R], found: list[Finding]) -> _Sides:
    return _Sides(
        found,
        [
            limits.facts(record.case, variant)
            for _, record in matched.pairs
            for variant in (record.baseline, record.variant)
        ],
        len(set(matched.names)),
        _told(matched.gone),
        _told(matched.come),
        matched.renamed,
        _suggested(matched.suggested),
    )


def _of_benchmarks(
    base: Benchmarks, new: Benchmarks, allowed: Allowed, rename: Sequence[str]
) -> _Sides:
    both = base.samples.keys() & new.samples.keys()
    gone, come = ({name: name for name in side.samples if name not in both} for side in (base, new))
    by_hand = renaming.pairs(rename, gone, come, both)
    called = dict(by_hand)
    samples = {called.get(name, name): found for name, found in base.samples.items()}
    found, left, more = benchmarked.findings(replace(base, samples=samples), new, allowed)
    return _Sides(
        [*found, *map(missing.named, left)],
        [{"name": name} for name in new.samples if name in samples],
        len(samples.keys() & new.samples.keys()),
        tuple(left),
        tuple(more),
        tuple(by_hand),
        _suggested(renaming.alike_names(left, more)),
    )


def _told(alone: Iterable[tuple[str, R]]) -> tuple[str, ...]:
    """Cases that only one file has, each with its variants."""
    found: dict[str, list[str]] = {}
    for name, record in alone:
        found.setdefault(name, []).append(against(record.variant, record.baseline))
    return tuple(f"{name} ({' and '.join(variants)})" for name, variants in found.items())


def _suggested(alike: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(filter(None, (renaming.suggestion(old, new) for old, new in alike)))


def _settled(
    base: File, new: File, allowed: Allowed, allow_mismatch: bool
) -> tuple[Allowed, list[str]]:
    """What is allowed once the environments are known, and how these differ.

    Raises:
        EnvironmentMismatch: what was asked can't be compared between them.
    """
    shares = dict(allowed.shares)
    apart = set()
    notes = [f"versions differ: {text}" for text in environments.versions(base, new)]
    notes += environments.code(base, new)
    metrics = {"counts": ["counts"], "comparisons": ["seconds", "memory", "speedup"]}
    for metric in metrics.get(base.kind, ["seconds", "memory"]):
        found = environments.differences(base, new, metric)
        if not found:
            continue
        told = f"the environments differ ({'; '.join(found)})"
        always = base.kind != "comparisons"
        if (always or metric in allowed.named) and not allow_mismatch:
            raise EnvironmentMismatch(
                f"{metric} of {base.path} and {new.path} can't be compared: {told};"
                " --allow-env-mismatch compares them all the same"
            )
        if not always and metric not in allowed.named:
            shares[metric] = math.inf
            apart.add(metric)
            told += f": {metric} fails nothing"
        notes.append(told)
    settled = Allowed(shares, allowed.overrides, allowed.named, frozenset(apart))
    return settled, list(dict.fromkeys(notes))


def _few(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return "; ".join(names[:2]) + more
