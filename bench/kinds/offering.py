"""What libraries offer, and what of a case their attacks obey. Imports no torch, and no library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from adapters import registry
from adapters.base import AdapterError
from bench.errors import UsageError

if TYPE_CHECKING:
    from adapters.base import AttackInfo

STANDARD = "pgd"
"""What is measured of a library where nobody says what."""


def attacks_of(library: str) -> Mapping[str, AttackInfo]:
    """What a library offers.

    Raises:
        UsageError: a third party's adapter can't be loaded.
    """
    try:
        return registry.get(library).attacks()
    except AdapterError as error:
        raise UsageError(str(error)) from error


def usual(library: str, wanted: Callable[[AttackInfo], bool] = lambda info: True) -> str | None:
    """The attack that stands for a library: PGD, else the first that works and reads gradients.

    Args:
        library: its name.
        wanted: which attacks will do.

    Raises:
        UsageError: a third party's adapter can't be loaded.
    """
    offered = attacks_of(library)
    fit = [name for name, info in offered.items() if wanted(info)]

    def worth(name: str) -> tuple[bool, bool, bool]:
        info = offered[name]
        works = info.fault is None and not info.lacks
        return (works, name == STANDARD, info.access == "white-box")

    return max(fit, key=worth, default=None)
