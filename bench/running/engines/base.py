"""What every engine has: places for workers, each opened by itself. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.running.starting import Starter


@dataclass(frozen=True)
class Place:
    """Where a worker can be brought.

    Attributes:
        name: for users, as "ssh node7"; "" for this machine.
        open: a line to it, or another one, over which workers are started there.
    """

    name: str
    open: Callable[[], Starter]


class Engine(Protocol):
    """Brings workers to places.

    Attributes:
        name: what --engine takes.
        divides: whether a place may have several slots: one for each of its GPUs that is asked
            for, or as many as --slots says on its CPU. Else each place is one slot.
    """

    name: str
    divides: bool

    def places(self) -> Sequence[Place]:
        """All of them.

        Raises:
            BenchError: it has none; in one line, with the mend.
        """

    def close(self) -> None:
        """Let go of everything that the engine itself holds."""
