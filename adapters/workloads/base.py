"""What a `setup()` returns: a workload, in the user's own words. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

GIVEN = ("device", "dtype", "batch", "seed")
"""What is handed to a `setup` whose signature names it."""
NEEDED = ("call", "foreign")
"""What every workload has."""
OPTIONAL = ("state", "after", "frozen_call", "toggled")
EXAMPLE = "my_workload.py:setup"


@dataclass(frozen=True)
class Program:
    """A workload, checked.

    Attributes:
        call: one step of the user's work, as they run it.
        foreign: the networks that it only passes through, each once.
        state: what a call changes, each a thing that can be put back.
        after: returns what else must be equal after a call; None where nothing is.
        frozen_call: what is called in place of `call` where the networks are frozen; None for it.
        toggled: whether they are trained elsewhere, so that each call freezes and thaws them.
        version: of the library that is measured; None for a user's.
    """

    call: Callable[[], Any]
    foreign: tuple[nn.Module, ...]
    state: tuple[Any, ...] = ()
    after: Callable[[], Any] | None = None
    frozen_call: Callable[[], Any] | None = None
    toggled: bool = False
    version: str | None = None
