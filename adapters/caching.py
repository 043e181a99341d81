"""Where this program keeps what takes long to make: trained networks, environments. Imports no
torch."""

from __future__ import annotations

import os
from pathlib import Path

from adapters.base import AdapterError

VARIABLE = "SEMIBACKWARD_BENCH_CACHE"
"""The environment's, for another folder."""


def folder(name: str, what: str) -> Path:
    """Where things of a sort are kept; it need not be there yet.

    Args:
        name: of the folder.
        what: they are, in words, for the error.

    Raises:
        AdapterError: no home directory is known.
    """
    if told := os.environ.get(VARIABLE):
        return Path(told) / name
    above = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not above.is_absolute():  # the standard: a relative one is to be ignored
        try:
            above = Path.home() / ".cache"
        except RuntimeError as error:
            raise AdapterError(
                f"there is no home directory to keep {what} in; name a folder with {VARIABLE}"
            ) from error
    return above / "semibackward-bench" / name
