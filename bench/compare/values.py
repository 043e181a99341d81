"""What comparing two files finds. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counts", "comparisons", "pytest-benchmark"]
Judgement = Literal["regression", "improvement", "unchanged", "inconclusive", "told"]
"""`told`: different, or not, and no matter of better or worse, or not held against anything."""


@dataclass(frozen=True)
class Finding:
    """One quantity of one variant of one case, then and now.

    Attributes:
        subject: the case, in as many words as tell it from the others.
        variant: of the case; "" where there are none.
        metric: what --fail-if calls it; "status" of how the case ended.
        quantity: what it is, in words, as "backward FLOPs".
        judgement: what it comes to.
        said: a sentence without its subject and full stop; "" where nothing differs.
        base, new: the values; None where there is none, and for a base that can't be compared.
        unit: of them, as "s", "bytes" or "calls".
        low, high: ends of the interval of `new`; None where it is exact, or there is none.
        share: how much worse it may get, 0.05 for 5 %; None where nothing of it fails.
        p: of a regression, corrected for all cases; None where nothing was tested.
        visible: the least loss that could have come out as a regression, as `share` tells one; None
            where nothing was tested.
        same: whether it is of the very same samples in both files, as no two measurements are.
    """

    subject: str
    variant: str
    metric: str
    quantity: str
    judgement: Judgement
    said: str = ""
    base: float | None = None
    new: float | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    share: float | None = None
    p: float | None = None
    visible: float | None = None
    same: bool = False


@dataclass(frozen=True)
class Compared:
    """What became of BASE in NEW.

    Attributes:
        kind: of both files.
        base, new: their names.
        cases: how many both have.
        findings: of these, in the order of NEW.
        only_base, only_new: cases that the other file lacks, each in words.
        notes: sentences on how the files differ otherwise.
    """

    kind: Kind
    base: str
    new: str
    cases: int
    findings: tuple[Finding, ...]
    only_base: tuple[str, ...] = ()
    only_new: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, judgement: Judgement) -> list[Finding]:
        """The findings that come to this."""
        return [finding for finding in self.findings if finding.judgement == judgement]
