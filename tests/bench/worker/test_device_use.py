"""What a profile of a GPU says of one run, from events that are made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bench.worker import device_use


class FakeEvent:
    """An event of kineto's, with a start and a duration in nanoseconds."""

    def __init__(self, name: str, device: str, start: int, length: int, link: int = 0) -> None:
        self._told = (name, device, start, length)
        self._link = link

    def name(self) -> str:
        return self._told[0]

    def device_type(self) -> Any:
        return SimpleNamespace(name=self._told[1])

    def start_ns(self) -> int:
        return self._told[2]

    def duration_ns(self) -> int:
        return self._told[3]

    def correlation_id(self) -> int:
        return self._link

    def is_user_annotation(self) -> bool:
        return self.name().startswith("annotation")


def test_a_profile_is_added_up() -> None:
    events = [
        FakeEvent("gemm", "CUDA", 100, 50),
        FakeEvent("copy on another stream", "CUDA", 120, 50),  # overlaps by 30
        FakeEvent("gemm", "CUDA", 300, 10),
        FakeEvent("annotation of a step", "CUDA", 0, 700),  # no work of its own
        FakeEvent("cudaLaunchKernel", "CPU", 90, 5),
        FakeEvent("cudaStreamSynchronize", "CPU", 150, 40),
        FakeEvent("cudaMemcpyAsync", "CPU", 150, 40),
        FakeEvent("cudaDeviceSynchronize", "CPU", 900, 100),  # our own, after the call
    ]
    found = device_use.summarise(events, host=400e-9, ended=800)
    assert found is not None
    assert (found.busy, found.waiting) == pytest.approx((80e-9, 0.1))
    assert found.launches == 3
    assert device_use.summarise(events[3:], host=400e-9, ended=800) is None, "CUPTI saw nothing"


@pytest.mark.parametrize(
    ("copy", "began", "waited"),
    [
        ("Memcpy DtoH (Device -> Pageable)", 180, 100),
        ("Memcpy DtoH (Device -> Pinned)", 180, 0),
        ("Memcpy DtoD (Device -> Device)", 180, 0),
        ("Memcpy HtoD (Pinned -> Device)", 180, 0),
        ("Memcpy HtoD (Pageable -> Device)", 180, 80),  # the stream was busy until then
        ("Memcpy HtoD (Pageable -> Device)", 300, 0),  # staged, and left to the device
    ],
)
def test_copies_of_pageable_memory_wait(copy: str, began: int, waited: int) -> None:
    events = [
        FakeEvent("aten::copy_", "CPU", 90, 120, link=8),  # ids of operations are others
        FakeEvent("cudaMemcpyAsync", "CPU", 100, 100, link=7),
        FakeEvent(copy, "CUDA", began, 10, link=7),
        FakeEvent("Memcpy DtoH (Device -> Pageable)", "CUDA", 400, 10, link=9),  # of no call
        FakeEvent("cudaMemcpyAsync", "CPU", 900, 100, link=9),  # our own, after the call
    ]
    found = device_use.summarise(events, host=1000e-9, ended=800)
    assert found is not None
    assert found.waiting == pytest.approx(waited / 1000)


def test_this_torch_tells_what_links_a_copy_to_its_call() -> None:
    told = dir(torch._C._autograd._KinetoEvent)
    assert {"correlation_id", "name", "device_type"} <= set(told)
