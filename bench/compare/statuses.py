"""How each case ended, and how equal its variants' outputs were, then and now. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from bench.cases import against
from bench.compare.values import Finding
from bench.records.types import ComparisonRecord, CountsRecord
from bench.statistics.equality import Level

OK = "ok"


def levels(name: str, base: ComparisonRecord, new: ComparisonRecord) -> Iterable[Finding]:
    """What became of the equality of both variants' outputs, where each came to a speedup."""
    if base.equality is None or new.equality is None or not base.status == new.status == OK:
        return
    before, after = base.equality.level, new.equality.level
    if before != after:
        said = f"both variants' outputs were {_WORDS[before]} and are {_WORDS[after]} now"
        said += _far(new) if looser(base, new) else ""
        variant = against(new.variant, new.baseline)
        yield Finding(name, variant, "equality", "equality of outputs", "told", said)


def _far(new: ComparisonRecord) -> str:
    """How far outputs are apart that were nearer, as far as that was found."""
    found = new.equality
    if found is None or found.max_abs_diff is None:
        return ""
    return f", up to {found.max_abs_diff:.2g} apart, so its times are of other outputs"


def looser(base: ComparisonRecord, new: ComparisonRecord) -> bool:
    """Whether outputs are less equal than they were, by more than rounding."""
    if base.equality is None or new.equality is None or new.equality.equal:
        return False
    order = (None, *get_args(Level))
    return order.index(new.equality.level) > order.index(base.equality.level)


_WORDS = {
    "identical": "identical",
    "rounding": "the same but for rounding",
    "agreeing": "agreeing",
    "other": "others",
    "different": "different",
    None: "not compared",
}


def findings(
    name: str, base: ComparisonRecord | CountsRecord, new: ComparisonRecord | CountsRecord
) -> Iterable[Finding]:
    """What was fine and is not any more is a regression; the other way round, an improvement."""
    variant = against(new.variant, new.baseline)
    why = "" if new.reason is None else f" ({new.reason})"
    if base.status == OK and new.status != OK:
        said = f"it was ok and is now {new.status}{why}"
        yield Finding(name, variant, "status", "status", "regression", said)
    elif base.status != OK and new.status == OK:
        said = f"it was {base.status} and is ok now"
        yield Finding(name, variant, "status", "status", "improvement", said)
    elif base.status != OK:
        said = f"it was {base.status} before, and is {new.status} now{why}"
        yield Finding(name, variant, "status", "status", "told", said)
