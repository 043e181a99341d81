"""What an exception in a worker means for the case."""

from __future__ import annotations

import torch

from adapters.base import AdapterError, LibraryUnavailable, UnsupportedSettings
from bench.checks import InvalidOutput
from bench.records import Status

_OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
)


def status_of(error: Exception) -> Status:
    """The status of a case that ended in this exception."""
    if isinstance(error, LibraryUnavailable | UnsupportedSettings):
        return "unsupported"
    cuda = getattr(torch.cuda, "OutOfMemoryError", MemoryError)  # torch 1.13
    if isinstance(error, (MemoryError, cuda)):
        return "out-of-memory"
    if isinstance(error, RuntimeError) and any(text in str(error) for text in _OUT_OF_MEMORY):
        return "out-of-memory"
    return "failed"


def reason_of(error: Exception) -> str:
    """One line for the user."""
    text = " ".join(str(error).split())
    if len(text) > 300:
        text = text[:297] + "..."
    if isinstance(error, AdapterError | InvalidOutput):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def taints(error: Exception) -> bool:
    """Whether foreign code was broken off, so that the next case needs a fresh process."""
    return not isinstance(error, AdapterError | InvalidOutput)
