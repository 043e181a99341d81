"""What an exception in a worker means for the case. Imports no torch: it may be what is missing."""

from __future__ import annotations

import traceback
from pathlib import PurePath
from typing import TYPE_CHECKING

from adapters.base import AdapterError, LibraryUnavailable, UnsupportedSettings
from bench.errors import InvalidOutput

if TYPE_CHECKING:
    from bench.cases import Status

LONGEST = 300
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


def status_of(error: Exception) -> Status:
    """The status of a case that ended in this exception."""
    if isinstance(error, LibraryUnavailable | UnsupportedSettings):
        return "unsupported"
    if isinstance(error, MemoryError):
        return "out-of-memory"
    # torch.OutOfMemoryError is a RuntimeError and says so; the CPU allocator's error has no type.
    if isinstance(error, RuntimeError) and any(text in str(error) for text in _OUT_OF_MEMORY):
        return "out-of-memory"
    return "failed"


def reason_of(error: Exception) -> str:
    """One line for the user; what we say ourselves is never cut, since it ends with the mend."""
    text = " ".join(str(error).split())
    if isinstance(error, AdapterError | InvalidOutput):
        return text
    if len(text) > LONGEST:
        text = text[:LONGEST] + " ..."
    return f"{type(error).__name__}: {text}" if text else f"{type(error).__name__}{_where(error)}"


def _where(error: Exception) -> str:
    """The line that raised; of use where the error itself says nothing, as a bare assertion."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    return f" in {PurePath(frames[-1].filename).name}, line {frames[-1].lineno}"


def taints(error: Exception) -> bool:
    """Whether foreign code was broken off, so that the next case needs a fresh process."""
    return not isinstance(error, AdapterError | InvalidOutput)
