"""What libraries offer, and what of a case their attacks obey. Imports no torch, and no library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from adapters import registry
from adapters.base import AdapterError
from bench.errors import UsageError

if TYPE_CHECKING:
    from adapters.base import AttackInfo


def attacks_of(library: str) -> Mapping[str, AttackInfo]:
    """What a library offers.

    Raises:
        UsageError: a third party's adapter can't be loaded.
    """
    try:
        return registry.get(library).attacks()
    except AdapterError as error:
        raise UsageError(str(error)) from error
