"""This machine: its GPUs, or parts of its CPU. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.running.engines.base import Place
from bench.running.starting import Starting


class Local:
    """Workers are processes of this machine.

    Args:
        note: told what the user should know.
        fork: whether to fork workers on a CPU, where that can be done.
    """

    name = "local"
    divides = True

    def __init__(self, note: Callable[[str], None], *, fork: bool) -> None:
        self._note = note
        self._fork = fork

    def places(self) -> Sequence[Place]:
        """This machine."""
        return [Place("", lambda: Starting(self._note, fork=self._fork))]

    def close(self) -> None:
        """Nothing is held."""
