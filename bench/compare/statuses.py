"""How each case ended, and how equal its variants' outputs were, then and now. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bench.compare.values import Finding
from bench.records.types import ComparisonRecord, CountsRecord

OK = "ok"


def levels(name: str, base: ComparisonRecord, new: ComparisonRecord) -> Iterable[Finding]:
    """What became of the equality of both variants' outputs, where each came to a speedup."""
    if base.equality is None or new.equality is None or not base.status == new.status == OK:
        return
    before, after = base.equality.level, new.equality.level
    if before != after:
        said = f"both variants' outputs were {_WORDS[before]} and are {_WORDS[after]} now"
        yield Finding(name, new.variant, "equality", "equality of outputs", "told", said)


_WORDS = {
    "identical": "identical",
    "rounding": "the same but for rounding",
    "different": "different",
    None: "not compared",
}


def findings(
    name: str, base: ComparisonRecord | CountsRecord, new: ComparisonRecord | CountsRecord
) -> Iterable[Finding]:
    """What was fine and is not any more is a regression; the other way round, an improvement."""
    variant, why = new.variant, "" if new.reason is None else f" ({new.reason})"
    if base.status == OK and new.status != OK:
        said = f"it was ok and is now {new.status}{why}"
        yield Finding(name, variant, "status", "status", "regression", said)
    elif base.status != OK and new.status == OK:
        said = f"it was {base.status} and is ok now"
        yield Finding(name, variant, "status", "status", "improvement", said)
    elif base.status != OK:
        said = f"it was {base.status} before, and is {new.status} now{why}"
        yield Finding(name, variant, "status", "status", "told", said)
