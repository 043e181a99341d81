"""What dissected attacks on text mean: backward passes that nobody reads, and their cost. Pure.

An attack that reads no gradient gains most by asking for none, so both variants are explained by
the books of its queries.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.cases import BASELINE, FORWARD_ONLY, SEMI_BACKWARD
from bench.records.types import ComparisonRecord
from bench.statistics.anatomy import Anatomy
from reports.kinds.text.tables import findings
from reports.reading import shares
from semibackward_bench.grammar import counted, form


def unread(record: ComparisonRecord) -> tuple[int, int]:
    """Backward passes of the original that nobody reads, and all of them."""
    text = findings(record)
    found = [] if text is None else text.attacked
    return (
        sum(sentence.unread.get(BASELINE, 0) for sentence in found),
        sum(sentence.passes.get(BASELINE, 0) for sentence in found),
    )


def reason(record: ComparisonRecord, found: Anatomy) -> str:
    """Why a variant gains, after what it gains."""
    nobody, passes = unread(record)
    told = f"nobody reads {nobody} of its {counted(passes, 'backward pass', 'backward passes')}"
    if record.variant == FORWARD_ONLY:
        split = shares.of(record)
        share = "" if split is None else f", which take {100 * split.backward:.0f} % of the time"
        return f"{told}{share}"
    return f"{told}: forward-only leaves them out"


def summary(records: Sequence[ComparisonRecord]) -> str | None:
    """How many of the attackers read a gradient, and what that costs them; None of none."""
    there = [r for r in records if r.status == "ok" and unread(r)[1]]
    by_case = {(r.case.attack, r.case_id): unread(r) for r in there}
    attackers: dict[str, tuple[int, int]] = {}
    for (name, _), (nobody, passes) in by_case.items():
        before = attackers.get(name, (0, 0))
        attackers[name] = before[0] + nobody, before[1] + passes
    if not attackers:
        return None
    never = [name for name, (nobody, passes) in attackers.items() if nobody == passes]
    said = (
        f"{len(never)} of {counted(len(attackers), 'attack')} never"
        f" {form(len(never), 'reads', 'read')} a gradient, yet each query runs a full"
        " backward pass"
    )
    gains = [
        f"{variant} is {_range(found)}"
        for variant in (FORWARD_ONLY, SEMI_BACKWARD)
        if (found := _estimates(there, variant, never))
    ]
    reading = [
        f"{name} reads {passes - nobody} of {passes}, forward-only is {_range(found)}"
        for name, (nobody, passes) in attackers.items()
        if name not in never and (found := _estimates(there, FORWARD_ONLY, [name]))
    ]
    return "; ".join([": ".join([said, *([", ".join(gains)] if gains else [])]), *reading]) + "."


def _estimates(
    records: Sequence[ComparisonRecord], variant: str, attacks: Sequence[str]
) -> list[float]:
    return [
        record.speedup.estimate
        for record in records
        if record.variant == variant and record.case.attack in attacks and record.speedup
    ]


def _range(found: Sequence[float]) -> str:
    low, high = f"{min(found):.1f}", f"{max(found):.1f}"
    return f"{low}×" if low == high else f"{low} to {high}×"
