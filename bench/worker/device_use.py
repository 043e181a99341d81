"""What a GPU did during one run, by torch's profiler: how long it, and the host, had to wait.

The profiled run is slower on the host, so it is never timed; the device's kernels are not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from bench.statistics.diagnosis import DeviceUse

_GPU = "CUDA"
_WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize", "cudaMemcpy")
"""Calls of the CUDA runtime in which the host waits; the asynchronous copies have other names."""


def profiled(run: Callable[[], object], device: str) -> DeviceUse | None:
    """Run it once under the profiler; None on anything but CUDA, or where CUPTI tells nothing."""
    if not device.startswith("cuda"):
        return None
    torch.cuda.synchronize(device)
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        start = time.perf_counter()
        run()
        host = time.perf_counter() - start
        ended = time.time_ns()
        torch.cuda.synchronize(device)
    return summarise(profiler.profiler.kineto_results.events(), host, ended)


def summarise(events: Iterable[Any], host: float, ended: int) -> DeviceUse | None:
    """Add up a profile.

    Args:
        events: kineto's; each has name(), device_type(), start_ns() and duration_ns().
        host: wall seconds of the call.
        ended: when the call returned, in nanoseconds since the epoch; later waits are our own.

    Returns:
        None if no device work is among them.
    """
    on_device: list[tuple[int, int]] = []
    waiting = 0
    for event in events:
        start, length = _nanoseconds(event)
        if event.device_type().name == _GPU:
            on_device.append((start, start + length))
        elif event.name() in _WAITS and start < ended:
            waiting += length
    if not on_device:
        return None
    share = min(1.0, waiting / 1e9 / host) if host else 0.0
    return DeviceUse(_covered(on_device) / 1e9, share, len(on_device))


def _covered(spans: list[tuple[int, int]]) -> int:
    """Length of the union; kernels of several streams may overlap."""
    total, reached = 0, 0
    for start, end in sorted(spans):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _nanoseconds(event: Any) -> tuple[int, int]:
    """Start and duration; before torch 2.2 kineto told microseconds."""
    if hasattr(event, "start_ns"):
        return event.start_ns(), event.duration_ns()
    return 1000 * event.start_us(), 1000 * event.duration_us()
