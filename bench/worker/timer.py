"""Time one run: CUDA events on a GPU, Metal synchronised, the wall clock elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from bench.statistics.blocks import Sample

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


def nothing() -> None:
    """What is done where nothing is asked for."""


class Timer(Protocol):
    """Times one call, with the work it queued on the device."""

    @property
    def name(self) -> str:
        """What tells the time."""

    def time(self, run: Callable[[], object], queued: Callable[[], object] = nothing) -> Sample:
        """Run it once and tell how long it took.

        Args:
            run: the call.
            queued: called once outside the timed region, where the device may still be at work: as
                soon as the call has returned and its end is marked.
        """


class WallTimer:
    """`time.perf_counter_ns` around the call; minor page faults are counted around that.

    Args:
        faults: how many there have been in this process, `minor_faults` if None.
    """

    name = "wall clock"

    def __init__(self, faults: Callable[[], int | None] | None = None) -> None:
        self._faults = faults or minor_faults

    def time(self, run: Callable[[], object], queued: Callable[[], object] = nothing) -> Sample:
        before = self._faults()
        start = time.perf_counter_ns()
        run()
        seconds = (time.perf_counter_ns() - start) / 1e9
        after = self._faults()
        queued()
        known = before is not None and after is not None
        return Sample(seconds, faults=after - before if known else None)  # type: ignore[operator]


def minor_faults() -> int | None:
    """Page faults of this process that needed no disk, all of its threads; None on Windows."""
    return None if resource is None else resource.getrusage(resource.RUSAGE_SELF).ru_minflt


class CudaTimer:
    """CUDA events on the current stream, around the call; host time until it returned beside them.

    Work that a call queues on other streams is counted only where the current one waits for it.
    Nothing but the call and the two records lies in the timed region: torch makes the event of the
    device when it is first recorded, so both are recorded once before.

    Args:
        cuda: stands for `torch.cuda`, so that the order of its calls can be tested without a GPU.
        device: which GPU, as "cuda:0".
    """

    name = "CUDA events"

    def __init__(self, cuda: Any, device: str) -> None:
        self._cuda = cuda
        self._device = device

    def time(self, run: Callable[[], object], queued: Callable[[], object] = nothing) -> Sample:
        begin = self._cuda.Event(enable_timing=True)
        end = self._cuda.Event(enable_timing=True)
        stream = self._cuda.current_stream(self._device)
        for event in (begin, end):
            event.record(stream)
        # Nothing left over from before may run inside the timed region.
        self._cuda.synchronize(self._device)
        start = time.perf_counter_ns()
        begin.record(stream)
        run()
        host = time.perf_counter_ns() - start
        end.record(stream)
        queued()
        self._cuda.synchronize(self._device)
        return Sample(begin.elapsed_time(end) / 1e3, host / 1e9)


class MpsTimer:
    """The wall clock, with Apple's GPU synchronised before and after.

    Args:
        mps: stands for `torch.mps`.
    """

    name = "wall clock, Metal synchronised"

    def __init__(self, mps: Any) -> None:
        self._mps = mps

    def time(self, run: Callable[[], object], queued: Callable[[], object] = nothing) -> Sample:
        self._mps.synchronize()
        start = time.perf_counter_ns()
        run()
        self._mps.synchronize()
        seconds = (time.perf_counter_ns() - start) / 1e9
        queued()
        return Sample(seconds)


def for_device(device: str) -> Timer:
    """The timer that fits a torch device name."""
    import torch

    if device.startswith("cuda"):
        return CudaTimer(torch.cuda, device)
    if device == "mps":
        return MpsTimer(torch.mps)
    return WallTimer()
