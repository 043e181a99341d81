"""Comparisons on their way, and which slot gets which. Imports no torch, and nothing waits here but
`Queue.take`.

A comparison stays with the slot that began it, so that all its processes ran in one place.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.cases import Comparison
from bench.records.types import ComparisonRecord, ProcessRecord
from bench.statistics import stopping
from bench.statistics.blocks import Block

CALM_SHARE = 1 / 3
"""Of a case's blocks, that must be calm for a few more processes to be worth their time."""

Place = tuple[str, int, str | None]
"""What makes two slots the same, see `bench.records.slot.Slot.place`."""


@dataclass
class State:
    """A comparison on its way.

    Attributes:
        comparison: what was asked.
        number: of it, among all that was asked.
        parts: what each of its processes found.
        beside: of those that have memory as the system gives it.
        given_up: why there are no more of these, where one failed.
        tries: how often it was begun.
        left: how many processes it will have yet, as far as was known when somebody last asked.
        record: what it came to; None while that is open.
        over: whether it needs nothing any more.
    """

    comparison: Comparison
    number: int = 0
    parts: list[ProcessRecord] = field(default_factory=list)
    beside: list[ProcessRecord] = field(default_factory=list)
    given_up: str | None = None
    tries: int = 1
    left: int = 0
    record: ComparisonRecord | None = None
    over: bool = False

    @property
    def blocks(self) -> list[Block]:
        """Of the processes that count."""
        return [block for part in self.parts for block in part.blocks]

    @property
    def quiet(self) -> bool:
        """Whether so many of them were calm that a few more would show more than disturbances."""
        calm = sum(block.calm for block in self.blocks)
        return calm >= CALM_SHARE * len(self.blocks)

    @property
    def before(self) -> list[float]:
        """Seconds that each of them took besides."""
        return [part.elapsed - stopping.measured(part.blocks) for part in self.parts]

    @property
    def place(self) -> Place | None:
        """Where its processes ran; None where none has, or nobody wrote that down."""
        if not self.parts or self.parts[0].slot is None:
            return None
        return self.parts[0].slot.place

    def keep_those_of(self, place: Place | None) -> None:
        """Forget what ran elsewhere: all processes of a comparison are of one slot."""
        if place is None or self.place in (None, place):
            return
        self.parts.clear()
        self.beside.clear()
        self.given_up = None

    def let_go(self) -> None:
        """Keep nothing but that it is over."""
        self.parts.clear()
        self.beside.clear()
        self.record = None
        self.over = True


class Queue:
    """Comparisons that no slot has yet; shared by the slots' threads.

    Args:
        states: all of them. A library's lie side by side, in the order of the libraries' first.
        places: of the slots, by their numbers; None where nobody knows.
    """

    def __init__(self, states: Iterable[State], places: dict[int, Place | None]) -> None:
        self._changed = threading.Condition()
        self._at_work = set(places)
        self._by_library: dict[str, deque[State]] = {}
        self._bound: dict[int, deque[State]] = {number: deque() for number in places}
        self._last: dict[int, str] = {}
        self._stopped = False
        known = {place: number for number, place in places.items() if place is not None}
        for state in states:
            number = None if state.place is None else known.get(state.place)
            if number is None:
                self._add(state)
            else:
                self._bound[number].append(state)

    def take(self, slot: int, *, wait: bool) -> State | None:
        """The next comparison for a slot: of the library that it had last, if there is one left.

        Args:
            slot: its number.
            wait: where there is none, whether to wait until another slot gives one back, or none
                can any more.

        Returns:
            None if there is none.
        """
        with self._changed:
            self._at_work.add(slot)
            while True:
                if self._stopped:
                    return None
                if self._bound.get(slot):
                    return self._bound[slot].popleft()
                if (found := self._next(slot)) is not None:
                    return found
                if not wait:
                    return None
                self._at_work.discard(slot)
                if not self._at_work:
                    self._changed.notify_all()
                    return None
                self._changed.wait()
                if not self._at_work and not self._any():
                    return None
                self._at_work.add(slot)

    def give_back(self, slot: int, states: Iterable[State]) -> None:
        """A slot is of no use any more: others have what it had not ended."""
        with self._changed:
            for state in (*self._bound.pop(slot, ()), *states):
                self._add(state)
            self._at_work.discard(slot)
            self._last.pop(slot, None)
            self._changed.notify_all()

    def stop(self) -> None:
        """Nobody gets anything any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    @property
    def stopped(self) -> bool:
        """Whether it is."""
        return self._stopped

    def left(self) -> int:
        """How many nobody has."""
        with self._changed:
            return sum(map(len, (*self._by_library.values(), *self._bound.values())))

    def _any(self) -> bool:
        return any(self._by_library.values()) or any(self._bound.values())

    def _add(self, state: State) -> None:
        library = state.comparison.case.library
        self._by_library.setdefault(library, deque()).append(state)

    def _next(self, slot: int) -> State | None:
        """Of the slot's own library, else of that which the fewest other slots are at."""
        library = self._last.get(slot, "")
        if not self._by_library.get(library):
            at_it = list(self._last.values())
            waiting = [name for name, states in self._by_library.items() if states]
            if not waiting:
                return None
            library = min(waiting, key=at_it.count)
            self._last[slot] = library
        return self._by_library[library].popleft()
