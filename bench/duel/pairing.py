"""Start pairs of workers whose two processes are equally fast. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.duel.pair import Pair
from bench.running.pool import Worker
from bench.running.progress import Progress
from bench.statistics import estimate
from bench.statistics.estimate import Speedup

EVEN = 0.03
"""Two workers whose times of the same code differ by more, with the whole interval, are no pair."""
TRIES = 4
"""How often a pair is started until its processes are equally fast."""


class Pairs:
    """Starts pairs of workers, and starts one again whose two processes are not equally fast.

    A process may be slower than another of the same program for as long as it lives. That is looked
    for on code that is the same on both sides, so it does not depend on which side is faster.

    Args:
        seed: of the control's blocks.
        shown: told of pairs that are started again.
        make: a pair, given its number.

    Attributes:
        controls: what the control showed, for each pair that was started.
        facts: what the first pair's workers say of themselves, by side.
    """

    def __init__(
        self,
        seed: int,
        shown: Progress,
        make: Callable[[int], Pair],
    ) -> None:
        self._make = make
        self._seed = seed
        self._shown = shown
        self._taken = 0
        self.controls: list[Speedup] = []
        self.facts: Mapping[str, Any] = {}

    def start(self, library: str = "", building: str = "") -> Worker:
        """A pair; after a few tries the last one, even or not."""
        for left in reversed(range(TRIES)):
            pair = self._make(self._taken)
            self.facts = self.facts or pair.facts_of
            try:
                found = pair.control(self._seed)
            except BaseException:
                pair.close()
                raise
            if found is not None:
                self.controls.append(found)
            if found is None or not left or not _uneven(found):
                break
            self._shown.note(
                f"on the same code b's process is {found.estimate:.2f} times as fast as a's; both"
                " are started again"
            )
            pair.close()
        self._taken += 1
        return pair


def _uneven(found: Speedup) -> bool:
    return estimate.verdict(found, EVEN) in ("faster", "slower")
