"""Climb the ladder: measure a variant, keep what gains, say why the rest was not tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bench.advising import budget as budgets
from bench.advising import ladder, lines, weighing
from bench.advising.budget import Budget
from bench.advising.ladder import Ground
from bench.cases import FORWARD_ONLY, Status
from bench.records.types import ComparisonRecord
from bench.variants import naming

Measure = Callable[[str, float], ComparisonRecord]
"""Measures a variant in one process, which is given up after so many seconds."""
_NO_VARIANTS: tuple[Status, ...] = ("failed", "unsupported", "out-of-memory")
"""The ends that may be the attack's or the model's own, whichever variant they meet."""


@dataclass(frozen=True)
class Rung:
    """A variant that was measured, or was not.

    Attributes:
        variant: which.
        record: what it came to.
        left_out: why it was not tried, in words.
    """

    variant: str
    record: ComparisonRecord | None = None
    left_out: str = ""


@dataclass(frozen=True)
class Advice:
    """What a climb came to.

    Attributes:
        rungs: in the order they were tried in.
        exact: whether the answer had to make the same examples.
        best: the variant to take; None where nothing is known to gain.
        seconds: that were given.
        device: torch's name of it.
    """

    rungs: tuple[Rung, ...]
    exact: bool
    best: ComparisonRecord | None
    seconds: float
    device: str

    @property
    def measured(self) -> list[ComparisonRecord]:
        """What was measured, in that order."""
        return [rung.record for rung in self.rungs if rung.record is not None]

    @property
    def lines(self) -> tuple[str, ...]:
        """What to paste; nothing where nothing gains."""
        return () if self.best is None else lines.to_paste(self.best.variant, self.device)


@dataclass
class Climb:
    """A ladder while it is climbed.

    Attributes:
        ground: what is climbed on.
        budget: what is left of the time.
        measure: how a variant is measured.
        rungs: so far.
        base: the parts that were kept.
        top: what they came to together; None for the original.
        dropped: parts that were not, each with why, in words.
    """

    ground: Ground
    budget: Budget
    measure: Measure
    rungs: list[Rung] = field(default_factory=list)
    base: tuple[str, ...] = ()
    top: ComparisonRecord | None = None
    dropped: dict[str, str] = field(default_factory=dict)

    def run(self) -> list[Rung]:
        """Climb it, or measure what was asked in its place."""
        if self.ground.asked:
            for variant in self.ground.asked:
                self._try(variant)
            return self.rungs
        self._begin()
        for stage in ladder.stages(self.ground):
            self._climb([part for part in stage if part not in self.base])
        return self.rungs

    @property
    def _records(self) -> list[ComparisonRecord]:
        return [rung.record for rung in self.rungs if rung.record is not None]

    def _begin(self) -> None:
        """Freezing is kept unless it does harm: what compiles computes again what was skipped."""
        part = ladder.first(self.ground)
        record = self._try(part)
        if record is None:
            return
        unable = self._unable(record, part)
        if unable or weighing.loses(record, None):
            self.dropped[part] = unable or f"{part} is slower here"
        else:
            self.base, self.top = (part,), record
        asks_for_none = (record.gradients or {}).get("call") == "none"
        if part != FORWARD_ONLY and asks_for_none and self.ground.has(FORWARD_ONLY):
            self.base, self.top = (), None
            self._climb([FORWARD_ONLY])
            if not self.base and not unable:
                self.base, self.top = (part,), record

    def _climb(self, parts: Sequence[str]) -> None:
        """Try each of these on what was kept, and keep the best."""
        found: dict[str, ComparisonRecord] = {}
        for part in parts:
            if not ladder.goes_with(part, self.base):
                continue
            variant = naming.together((*self.base, part))
            if variant in {rung.variant for rung in self.rungs}:
                continue
            self._with_dropped(variant)
            record = self._try(variant)
            if record is None:
                continue
            unable = self._unable(record, part)
            if not unable and weighing.gains(record, self.top):
                found[part] = record
            else:
                self.dropped[part] = unable or _no_gain(record, self.top, part)
        if found:
            part = max(found, key=lambda name: weighing.estimate(found[name]))
            self.base, self.top = (*self.base, part), found[part]
            self.dropped.pop(part, None)

    def _with_dropped(self, variant: str) -> None:
        """Say of what has to be made ready why it is not tried with a part that was not kept."""
        if not ladder.made_ready(variant):
            return
        for part, why in self.dropped.items():
            if not ladder.made_ready(part) and ladder.goes_with(part, variant.split(naming.JOINT)):
                self.rungs.append(Rung(naming.together((variant, part)), left_out=why))

    def _try(self, variant: str) -> ComparisonRecord | None:
        why = self._not_now(variant)
        if why:
            self.rungs.append(Rung(variant, left_out=why))
            return None
        patience = self.left if self._records else max(self.left, budgets.FIRST)
        record = self.measure(variant, patience)
        self.rungs.append(Rung(variant, record))
        return record

    def _not_now(self, variant: str) -> str:
        """Why a variant is not tried, as far as it is not for what it is made of."""
        records = self._records
        if not records:
            return ""
        said = {(record.status, record.reason) for record in records}
        if len(records) > 1 and len(said) == 1 and records[0].status in _NO_VARIANTS:
            return "what was tried ended alike"
        compiles, left = ladder.made_ready(variant), self.left
        needed = budgets.of_rung(records, compiles=compiles)
        if left > max(0.0, needed):
            return ""
        if not needed:
            return f"no time is left: --budget {round_up(2 * self.budget.seconds)}"
        more = round_up(self.budget.seconds - left + needed)
        what = "compiling it" if compiles else "it"
        return (
            f"{what} takes about {needed:.0f} s, and {max(0, left):.0f} s are left: --budget {more}"
        )

    @property
    def left(self) -> float:
        """Seconds for further variants; the rest is for the answer in further processes."""
        return self.budget.left - self.reserve()

    def reserve(self) -> float:
        """Seconds that are kept for measuring the answer in further processes."""
        if self.top is None:
            return 0.0
        each = budgets.of_process(self.top, (), self.budget.share)
        return (budgets.AT_LEAST - 1) * each

    def _unable(self, record: ComparisonRecord, part: str) -> str:
        """Why a part can't be in the answer; "" where it can."""
        if record.status != "ok":
            return f"{part} came to no speedup"
        if not weighing.allowed(record, exact=self.ground.exact):
            return f"the examples are others with {part}"
        return ""


def _no_gain(record: ComparisonRecord, over: ComparisonRecord | None, part: str) -> str:
    return (
        f"{part} is slower here" if weighing.loses(record, over) else f"{part} gains nothing here"
    )


def round_up(seconds: float) -> int:
    """A budget that is easy to type."""
    return int(-(-seconds // 30) * 30)


def concluded(
    rungs: Iterable[Rung],
    ground: Ground,
    budget: Budget,
    confirm: Callable[[ComparisonRecord], ComparisonRecord],
) -> Advice:
    """What to take, once that was measured in further processes, as far as there is time.

    Args:
        rungs: of a climb that is over.
        ground, budget: of the climb.
        confirm: measures a variant in further processes, as far as time is left.
    """
    found = {rung.variant: rung for rung in rungs}
    waiting = {rung.variant: rung.record for rung in found.values() if rung.record is not None}
    sure: set[str] = set()
    # One may come out slower than another that was behind it, which is confirmed then.
    while (best := weighing.best(waiting.values(), exact=ground.exact)) is not None:
        if best.variant in sure:
            break
        record = confirm(best)
        sure.add(record.variant)
        found[record.variant] = Rung(record.variant, record)
        if record.verdict == "faster":
            waiting[record.variant] = record
        else:
            del waiting[record.variant]
    return Advice(tuple(found.values()), ground.exact, best, budget.seconds, ground.device)
