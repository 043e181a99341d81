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
"""Calls of the CUDA runtime in which the host waits, whatever they are about."""
_COPIES = ("cudaMemcpyAsync", "cudaMemcpy2DAsync")
"""Calls that wait or not by the memory they copy between, which names the half on the device."""
_TO_PAGEABLE = "-> Pageable)"
_FROM_PAGEABLE = "(Pageable ->"


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

    The host waits in the calls that synchronise, and in copies between the device and pageable
    memory, as `Tensor.cpu()` makes them: one to the host returns when it is complete, one from the
    host may wait for its stream before it is staged (CUDA Runtime API, "API synchronization
    behavior"). So of the first the whole call counts, and of the second what passed in the call
    until the device began the copy, if it began while the call was under way. A call and its copy
    have the same correlation id; a copy without its other half counts as none.

    Args:
        events: kineto's; each has name(), device_type(), start_ns(), duration_ns() and
            correlation_id().
        host: wall seconds of the call.
        ended: when the call returned, in nanoseconds since the epoch; later waits are our own.

    Returns:
        None if no device work is among them.
    """
    on_device: list[tuple[int, int]] = []
    copies: dict[int, tuple[str, int]] = {}
    calls: list[tuple[int, int, int]] = []
    waiting = 0
    for event in events:
        start, length = _nanoseconds(event)
        if event.device_type().name == _GPU:
            if not _annotates(event):
                on_device.append((start, start + length))
                copies[event.correlation_id()] = event.name(), start
        elif start < ended:
            if event.name() in _WAITS:
                waiting += length
            elif event.name() in _COPIES:
                calls.append((event.correlation_id(), start, length))
    if not on_device:
        return None
    copies.pop(0, None)  # it stands for none
    waiting += sum(_waited(copies.get(id_), start, length) for id_, start, length in calls)
    share = min(1.0, waiting / 1e9 / host) if host else 0.0
    return DeviceUse(_covered(on_device) / 1e9, share, len(on_device))


def _waited(copy: tuple[str, int] | None, start: int, length: int) -> int:
    """Nanoseconds of a copying call in which the host waited for the device.

    Args:
        copy: its name and start on the device; None if the profile has none.
        start, length: of the call.
    """
    if copy is None:
        return 0
    name, began = copy
    if _TO_PAGEABLE in name:
        return length
    if _FROM_PAGEABLE in name and began < start + length:
        return max(0, began - start)
    return 0


def _annotates(event: Any) -> bool:
    """Whether it is a `record_function`'s span, drawn around the work of others."""
    return bool(getattr(event, "is_user_annotation", lambda: False)())


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
