"""What comparing two files finds. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counts", "comparisons", "pytest-benchmark"]
Judgement = Literal["regression", "missing", "improvement", "unchanged", "inconclusive", "told"]
"""`told`: different, or not, and no matter of better or worse, or not held against anything;
`missing`: of a case, or a variant of one, that NEW lacks."""
Missing = Literal["fail", "tell"]
"""What becomes of a case that NEW lacks."""


@dataclass(frozen=True)
class Finding:
    """One quantity of one variant of one case, then and now.

    Attributes:
        subject: the case, in as many words as tell it from the others.
        variant: of the case; "" where there are none.
        metric: what --fail-if calls it; "status" of how the case ended, "missing" where it is not
            there.
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
        findings: of these, in the order of NEW; then of what NEW lacks.
        only_base, only_new: cases that the other file lacks, each in words.
        notes: sentences on how the files differ otherwise.
        missing: whether what NEW lacks fails, or is told.
        suggested: options that pair cases of other names, spelt as a shell needs them.
    """

    kind: Kind
    base: str
    new: str
    cases: int
    findings: tuple[Finding, ...]
    only_base: tuple[str, ...] = ()
    only_new: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missing: Missing = "tell"
    suggested: tuple[str, ...] = ()

    @property
    def failing(self) -> list[Finding]:
        """What got worse than allowed, or is missing that may not be."""
        missing = self.of("missing") if self.missing == "fail" else []
        return [*self.of("regression"), *missing]

    @property
    def open(self) -> list[Finding]:
        """What can't be said, or is missing and may be."""
        missing = [] if self.missing == "fail" else self.of("missing")
        return [*self.of("inconclusive"), *missing]

    def of(self, judgement: Judgement) -> list[Finding]:
        """The findings that come to this."""
        return [finding for finding in self.findings if finding.judgement == judgement]
