"""What an exception of a worker means for its case: a table of what memory's end is called."""

from __future__ import annotations

import errno
from typing import Any

import numpy
import pytest
import torch

from adapters.base import LibraryUnavailable, UnsupportedSettings
from bench.cases import Status
from bench.worker import failures

NO_ENGINE = "GET was unable to find an engine to execute this computation"


class OutOfMemoryError(Exception):
    """As CuPy's and others', which are no RuntimeErrors."""


def by(raised: BaseException, cause: BaseException | None = None, *, hidden: bool = False) -> Any:
    """As an error is once it was raised from another, or while that was handled (`hidden`: from
    None)."""
    if hidden:
        raised.__context__, raised.__suppress_context__ = cause, True
    else:
        raised.__cause__ = cause
    return raised


def while_handling(raised: BaseException, first: BaseException) -> BaseException:
    try:
        try:
            raise first
        except type(first):
            raise raised  # noqa: B904 - without a cause, as libraries do
    except type(raised) as error:
        return error


def too_large_for_numpy() -> BaseException:
    try:
        return ValueError(f"there was room for {numpy.empty(2**50).nbytes} bytes")
    except MemoryError as error:
        return error


CUDA = RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 79.15 GiB total)")


@pytest.mark.parametrize(
    "error",
    [
        CUDA,
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        torch.cuda.OutOfMemoryError("Allocation on device 0 would exceed allowed memory"),
        RuntimeError("HIP out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously"),
        RuntimeError("cudaErrorMemoryAllocation: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("cusolver error: CUSOLVER_STATUS_ALLOC_FAILED"),
        RuntimeError(
            "NCCL error: unhandled cuda error\nLast error:\nCuda failure 2 'out of memory'"
        ),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"
        ),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"),
        RuntimeError("Invalid buffer size: 24.00 GiB"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes."),
        MemoryError(),
        too_large_for_numpy(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        OutOfMemoryError("Out of memory allocating 1,024 bytes"),
        Exception("process 1 terminated: torch.OutOfMemoryError: CUDA out of memory."),
        by(ValueError("the attack failed"), CUDA),
        by(ValueError(f"the attack failed: {CUDA}"), CUDA, hidden=True),
        by(RuntimeError("the third"), by(KeyError("the second"), CUDA)),
        while_handling(AttributeError("no fallback"), CUDA),
    ],
    ids=lambda error: f"{type(error).__name__}: {error}"[:40],
)
def test_memorys_end_has_many_names(error: BaseException) -> None:
    assert failures.status_of(error, short=lambda: False) == "out-of-memory"


def test_of_a_group_of_errors_one_is_enough() -> None:
    group = Exception("2 sub-exceptions")
    group.exceptions = (KeyError("x"), CUDA)  # type: ignore[attr-defined] # Python 3.11 has a type
    assert failures.status_of(group, short=lambda: False) == "out-of-memory"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("the replay buffer is out of memory slots"), "failed"),
        (KeyError("out of memory"), "failed"),
        (AssertionError("not enough memory of the past steps"), "failed"),
        (OSError(errno.ENOENT, "No such file or directory"), "failed"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "failed"),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), "failed"),
        (by(ValueError("no such norm"), KeyError("L3")), "failed"),
        (by(ValueError("batch of 8 is refused"), CUDA, hidden=True), "failed"),
        (LibraryUnavailable("foolbox", ImportError("out of memory"), "foolbox"), "unsupported"),
        (by(UnsupportedSettings("takes no steps"), CUDA), "unsupported"),
    ],
    ids=lambda given: f"{type(given).__name__}: {given}"[:40],
)
def test_what_only_sounds_like_it_is_something_else(error: BaseException, status: Status) -> None:
    assert failures.status_of(error, short=lambda: True) == status


@pytest.mark.parametrize(
    "text",
    [
        NO_ENGINE,
        "FIND was unable to find an engine to execute this computation",
        "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR",
    ],
)
def test_what_may_mean_it_counts_where_memory_was_short(text: str) -> None:
    assert failures.status_of(RuntimeError(text), short=lambda: True) == "out-of-memory"
    assert failures.status_of(RuntimeError(text), short=lambda: False) == "failed"


@pytest.mark.parametrize(
    ("refused", "free", "status"),
    [(1, 40e9, "out-of-memory"), (0, 1e9, "out-of-memory"), (0, 40e9, "failed")],
)
def test_memory_is_short_where_it_was_refused_or_hardly_any_is_free(
    monkeypatch: pytest.MonkeyPatch, refused: int, free: float, status: Status
) -> None:
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "memory_stats", lambda: {"num_ooms": refused})
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (free, 80e9))
    assert failures.status_of(RuntimeError(NO_ENGINE)) == status


def test_without_a_gpu_in_use_nothing_is_asked_of_it() -> None:
    assert not failures.gpu_short()
    failures.forget_refusals()
    assert failures.status_of(RuntimeError(NO_ENGINE)) == "failed"


def test_a_worker_counts_refusals_from_each_case_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = {"num_ooms": 3}
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(
        torch.cuda, "reset_accumulated_memory_stats", lambda: stats.update(num_ooms=0)
    )
    monkeypatch.setattr(torch.cuda, "memory_stats", lambda: stats)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (40e9, 80e9))
    assert failures.gpu_short()
    failures.forget_refusals()
    assert not failures.gpu_short()
