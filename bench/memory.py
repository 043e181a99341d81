"""Peak memory of one run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

CPU = "peak of the bytes torch's CPU allocator held for the run, above what it held before"
CUDA = "peak of the bytes torch's CUDA allocator held, model and images included"


def peak(run: Callable[[], object], device: str) -> tuple[int, str] | None:
    """Run it once and tell (bytes, what they are); None on a device that keeps no such account.

    On the CPU torch's profiler reports every allocation; the run is slower, so it is never timed.
    """
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        run()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device), CUDA
    if device == "cpu":
        with torch.autograd.profiler.profile(profile_memory=True) as profile:
            run()
        return _highest(_allocations(profile.kineto_results.events())), CPU
    return None


def _allocations(events: Iterable[Any]) -> list[tuple[int, int]]:
    """(time, bytes) of each allocation, negative for a release, in the order of their times."""
    found = [event for event in events if event.name() == "[memory]"]
    start = "start_ns" if found and hasattr(found[0], "start_ns") else "start_us"
    return sorted(
        ((getattr(event, start)(), event.nbytes()) for event in found), key=lambda pair: pair[0]
    )


def _highest(allocations: Iterable[tuple[int, int]]) -> int:
    held = highest = 0
    for _, size in allocations:
        held += size
        highest = max(highest, held)
    return highest
