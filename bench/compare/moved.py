"""Which side of a speedup moved: the original, or the variant. Pure.

A speedup is of one run's neighbouring blocks, so that its change is known far better than either
side's. But users pay for seconds: a ratio that falls because the original got faster is a gain, and
one that rises because it got slower is none. What the ratio can't tell, each side's own seconds do,
where they can be compared, or the number of parameters whose gradients it computes.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.cases import BASELINE
from bench.compare.regression import Shown
from bench.compare.values import Judgement
from bench.compare.words import relative
from semibackward_bench.grammar import counted, form

NEITHER = Shown(worse=False, better=False)
DUEL = "duel measures two versions at the same time"


@dataclass(frozen=True)
class Side:
    """What two files show of one side of a ratio.

    Attributes:
        name: the variant's.
        seconds: then and now; None where they can't be compared.
        shown: which way these moved for sure.
        gradients: of how many parameters it computed gradients, then and now; None where that was
            not recorded.
    """

    name: str
    seconds: tuple[float, float] | None = None
    shown: Shown = NEITHER
    gradients: tuple[int, int] | None = None

    @property
    def who(self) -> str:
        """What a sentence calls it."""
        return f"the {self.name}" if self.name == BASELINE else self.name

    @property
    def fewer(self) -> bool:
        """Whether it computes fewer gradients now."""
        return self.gradients is not None and self.gradients[1] < self.gradients[0]

    @property
    def more(self) -> bool:
        """Whether it computes more of them."""
        return self.gradients is not None and self.gradients[1] > self.gradients[0]

    @property
    def change(self) -> str:
        """Its seconds then and now."""
        assert self.seconds is not None
        then, now = self.seconds
        return f"{then:.3g} → {now:.3g} s ({relative(then, now)})"

    @property
    def computes(self) -> str:
        """What gradients it computes."""
        assert self.gradients is not None
        return computes(*self.gradients)


@dataclass(frozen=True)
class Moved:
    """What the change of a ratio comes to, and what is said behind it."""

    judgement: Judgement
    said: str


def computes(then: int, now: int) -> str:
    """Of how many parameters gradients are computed."""
    return f"computes the {form(now, 'gradient')} of {counted(now, 'parameter')} ({then} before)"


def fell(baseline: Side, variant: Side, *, below_one: bool) -> Moved:
    """What a speedup that fell by more than is allowed comes to.

    Args:
        baseline, variant: both sides.
        below_one: whether the variant takes longer than the baseline now, and did not before: no
            gradient that the baseline leaves out explains that.
    """
    less = f"so there is less for {variant.name} to save"
    if baseline.fewer and not variant.more and not variant.shown.worse and not below_one:
        faster = f" and got faster: {baseline.change}" if baseline.shown.better else ""
        why = f", since {baseline.who} {baseline.computes}{faster}, {less}"
        return Moved("improvement", why)
    if baseline.shown.better and not variant.shown.worse:
        why = f", since {baseline.who} got faster: {baseline.change}, {less}"
        return Moved("improvement", why)
    if baseline.shown.better:
        return Moved("regression", f": {_both(baseline, 'faster', variant, 'slower')}")
    if variant.shown.worse:
        cause = f"{baseline.who} {baseline.computes}, but " if baseline.fewer else ""
        return Moved("regression", f", since {cause}{variant.who} got slower: {variant.change}")
    if variant.more:
        return Moved("regression", f", since {variant.who} {variant.computes}")
    if baseline.fewer and below_one:
        why = f": {baseline.who} {baseline.computes}, but {variant.name} takes longer than it now"
        return Moved("regression", why)
    return Moved("regression", _open(baseline, "faster", variant, "slower"))


def rose(baseline: Side, variant: Side) -> Moved:
    """What a speedup that rose by more than may be chance comes to."""
    more = "so there is more to save, and nothing is gained"
    if baseline.shown.worse and variant.shown.better:
        return Moved("regression", f": {_both(baseline, 'slower', variant, 'faster')}")
    if baseline.shown.worse:
        cause = f"{baseline.computes} and " if baseline.more else ""
        why = f", since {baseline.who} {cause}got slower: {baseline.change}, {more}"
        return Moved("regression", why)
    if baseline.more:
        return Moved("told", f", since {baseline.who} {baseline.computes}, {more}")
    if variant.shown.better:
        return Moved("improvement", f", since {variant.who} got faster: {variant.change}")
    if variant.fewer:
        return Moved("improvement", f", since {variant.who} {variant.computes}")
    return Moved("told", _open(baseline, "slower", variant, "faster"))


def _both(first: Side, one: str, second: Side, other: str) -> str:
    return f"{first.who} got {one}, {first.change}, and {second.who} {other}, {second.change}"


def _open(baseline: Side, one: str, variant: Side, other: str) -> str:
    which = f"; whether {baseline.who} got {one} or {variant.who} {other}"
    if baseline.seconds is None or variant.seconds is None:
        return f"{which} can't be told, since seconds can't be compared; {DUEL}"
    changes = " and ".join(
        f"{side.name} {relative(*side.seconds)}" for side in (baseline, variant) if side.seconds
    )
    return f"{which} can't be told from seconds of two moments ({changes}); {DUEL}"
