"""The processor's state where a far worker runs, told by its keeper. Imports no torch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bench.statistics.conditions import Conditions

_SECONDS_BETWEEN_LOOKS = 1.0


class FarObserver:
    """Sees the processor there, by the keeper.

    Args:
        ask: asks the keeper about a worker, whose own work does not count as other programs'.
    """

    def __init__(self, ask: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._ask = ask
        ask({"do": "observe"})
        self._looked = time.monotonic()

    def look(self) -> None:
        """Note the frequency, once in a while."""
        if time.monotonic() - self._looked >= _SECONDS_BETWEEN_LOOKS:
            self._looked = time.monotonic()
            self._ask({"do": "look"})

    def leaving_out(self, wait: Callable[[], object]) -> None:
        """Call this; nobody waits for other programs there."""
        wait()

    def conditions(self) -> Conditions:
        """What has been seen so far."""
        told = self._ask({"do": "conditions"})["conditions"]
        mhz = told.pop("mhz")
        return Conditions(**told, mhz=None if mhz is None else (mhz[0], mhz[1]))
