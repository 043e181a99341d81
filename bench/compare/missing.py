"""What BASE had and NEW lacks: whole cases and variants, and values inside those that both have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from bench.cases import against
from bench.compare import limits
from bench.compare.limits import Allowed
from bench.compare.matching import Matched
from bench.compare.statuses import OK
from bench.compare.values import Finding, Judgement
from bench.records.types import ComparisonRecord, CountsRecord

GONE = "it is in NEW no more"
_OF_BOTH = ("speedup", "equality")
"""What is of a variant and its baseline together."""


def cases(
    matched: Matched[ComparisonRecord] | Matched[CountsRecord],
    new: Sequence[ComparisonRecord | CountsRecord],
) -> Iterable[Finding]:
    """Of each case, or variant of one, that only the first file has.

    Args:
        matched: both files.
        new: what the second holds.
    """
    libraries = {record.case.library for record in new}
    for name, record in matched.gone:
        library = record.case.library
        said = GONE if library in libraries else f"{GONE}, nor is anything else of {library}"
        yield named(name, against(record.variant, record.baseline), said)


def named(name: str, variant: str = "", said: str = GONE) -> Finding:
    """Of a case by its name."""
    return Finding(name, variant, "missing", "case", "missing", said)


def values(matched: Matched[ComparisonRecord], allowed: Allowed) -> Iterable[Finding]:
    """Of each value that a comparison had and has no more, though it is ok."""
    found: dict[Finding, None] = {}  # a baseline that several variants are held against, once
    for name, (base, new) in zip(matched.names, matched.pairs, strict=True):
        if not base.status == new.status == OK:
            continue
        for variant, metric, quantity, told in _lost(base, new):
            who = limits.facts(new.case, variant)
            share = allowed.share(metric, who) if metric in allowed.shares else math.inf
            judgement: Judgement = "told" if math.isinf(share) else "inconclusive"
            said = f"{quantity} {told} before, and there is none now"
            called = against(variant, new.baseline) if metric in _OF_BOTH else variant
            found[Finding(name, called, metric, quantity, judgement, said)] = None
    return found


def _lost(base: ComparisonRecord, new: ComparisonRecord) -> Iterable[tuple[str, str, str, str]]:
    """Variant, metric, quantity, and what was known of it."""
    if base.speedup is not None and new.speedup is None:
        yield new.variant, "speedup", "speedup", f"was {base.speedup.estimate:.3g}"
    if base.equality is not None and new.equality is None:
        yield new.variant, "equality", "equality of outputs", "was told"
    for variant in (new.baseline, new.variant):
        if base.seconds.get(variant) and not new.seconds.get(variant):
            yield variant, "seconds", "seconds", "were measured"
        if (base.memory or {}).get(variant) and not (new.memory or {}).get(variant):
            yield variant, "memory", "peak memory", "was recorded"
        if variant in (base.gradients or {}) and variant not in (new.gradients or {}):
            yield variant, "gradients", "parameter gradients", "were counted"
