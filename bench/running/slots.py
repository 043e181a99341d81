"""A slot as the controlling process has it: where its workers come from. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bench.records import slot
from bench.running.measuring import Spent
from bench.running.pauses import Pauses
from bench.running.pool import WorkerPool
from bench.running.progress import Progress


def _unknown() -> slot.Slot | None:
    return None


@dataclass
class Slot:
    """One worker at a time, on one device that nobody else uses.

    Attributes:
        workers: where workers come from.
        beside: where workers come from that have memory as the system gives it, where a few of
            those are to be measured too.
        pauses: of other programs, to wait for; None where they do not matter.
        progress: who tells the user what this slot does; None for who tells of the whole run.
        look: tells where its workers are now: a slot that was lost may come back elsewhere.
        name: for users, where there are several.
        spent: where its time went.
    """

    workers: WorkerPool
    beside: WorkerPool | None = None
    pauses: Pauses | None = None
    progress: Progress | None = None
    look: Callable[[], slot.Slot | None] = _unknown
    name: str = ""
    spent: Spent = field(default_factory=Spent)

    @property
    def pools(self) -> list[WorkerPool]:
        """All of them."""
        return [self.workers] if self.beside is None else [self.workers, self.beside]

    @property
    def place(self) -> tuple[str, int, str | None] | None:
        """What makes two slots the same; None where nobody knows."""
        return None if (found := self.look()) is None else found.place
