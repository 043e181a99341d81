"""The command `compare`, but for what it prints: read, check, find. Imports no torch."""

from __future__ import annotations

import argparse
import math

from bench.compare import benchmarked, counted, environments, limits, matching, reading, timed
from bench.compare.limits import Allowed, Facts
from bench.compare.reading import File
from bench.compare.together import ALL
from bench.compare.values import Compared, Finding
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
    found, known, alone = _findings(base, new, allowed)
    if not known:
        raise UsageError(
            f"{base.path} and {new.path} have no case in common: the first has"
            f" {_few(alone[0])}, the second {_few(alone[1])}"
        )
    notes += [f"an override fits no case: {text}" for text in allowed.unused(known)]
    return Compared(
        base.kind,
        str(base.path),
        str(new.path),
        len({finding.subject for finding in found} - {ALL}),
        tuple(found),
        *alone,
        notes=tuple(notes),
    )


def _findings(
    base: File, new: File, allowed: Allowed
) -> tuple[list[Finding], list[Facts], tuple[tuple[str, ...], tuple[str, ...]]]:
    """What was found, the common cases, and the cases that only one file has."""
    if base.kind == "pytest-benchmark":
        found, *alone = benchmarked.findings(base.benchmarks, new.benchmarks, allowed)
        names: list[Facts] = [{"name": one.subject} for one in found if one.subject != ALL]
        return found, names, (tuple(alone[0]), tuple(alone[1]))
    if base.kind == "counts":
        counts = matching.match(base.run.counts, new.run.counts)
        pairs = [(record.case, record) for _, record in counts.pairs]
        known = [
            limits.facts(case, variant)
            for case, record in pairs
            for variant in (record.baseline, record.variant)
        ]
        return list(counted.findings(counts, allowed)), known, (counts.only_base, counts.only_new)
    matched = matching.match(base.run.comparisons, new.run.comparisons)
    known = [
        limits.facts(record.case, variant)
        for _, record in matched.pairs
        for variant in (record.baseline, record.variant)
    ]
    return timed.findings(matched, allowed), known, (matched.only_base, matched.only_new)


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
