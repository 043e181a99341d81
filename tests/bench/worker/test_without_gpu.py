"""The CUDA path where there is no GPU, through fakes at the seams."""

from __future__ import annotations

import os
import re
import warnings
from functools import partial

import pytest
import torch

from bench.choosing import selection
from bench.errors import UsageError
from bench.kinds.images.kind import PAPER_LIBRARIES, QUICK
from bench.kinds.images.options import ImageOptions
from bench.running.devices import choose_device
from bench.worker import environment, footprint, memory, memory_limit, state
from bench.worker.memory import Peak
from tests.commands import request

BUILD: dict[str, str | None] = {"version": "2.13.0", "cuda": "13.0", "cudnn": "9"}


def test_peak_memory_is_reset_before_and_read_after_the_device_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log: list[str] = []
    answers = {
        "synchronize": 0,
        "reset_peak_memory_stats": 0,
        "memory_allocated": 1000,
        "max_memory_allocated": 12345,
        "max_memory_reserved": 20000,
    }
    for name, answer in answers.items():

        def fake(device: str, name: str = name, answer: int = answer) -> int:
            log.append(f"{name} {device}")
            return answer

        monkeypatch.setattr(torch.cuda, name, fake)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: log.append("empty_cache"))
    monkeypatch.setattr("bench.worker.memory.gc.collect", lambda: log.append("collect"))
    found = memory.peak(lambda: log.append("run"), "cuda:1")
    assert found == Peak(12345, 1000, 20000, memory.CUDA)
    assert log == [
        "collect",
        "synchronize cuda:1",
        "empty_cache",
        "reset_peak_memory_stats cuda:1",
        "memory_allocated cuda:1",
        "run",
        "synchronize cuda:1",
        "max_memory_allocated cuda:1",
        "max_memory_reserved cuda:1",
    ]


class CachingAllocator:
    """Keeps what it once took from the device, as torch's does, until it is told to let go."""

    def __init__(self) -> None:
        self.live = self.kept = self.most_live = self.most_kept = 0

    def take(self, count: int) -> None:
        """Allocate so many bytes, and give them back."""
        self.most_live = max(self.most_live, self.live + count)
        self.kept = max(self.kept, self.live + count)
        self.most_kept = max(self.most_kept, self.kept)

    def empty_cache(self) -> None:
        self.kept = self.live

    def reset_peak_memory_stats(self, device: str) -> None:
        self.most_live, self.most_kept = self.live, self.kept

    def memory_allocated(self, device: str) -> int:
        return self.live

    def max_memory_allocated(self, device: str) -> int:
        return self.most_live

    def max_memory_reserved(self, device: str) -> int:
        return self.most_kept

    def synchronize(self, device: str) -> None:
        pass


def test_what_a_variant_reserves_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    allocator = CachingAllocator()
    monkeypatch.setattr(torch, "cuda", allocator)
    found = [memory.peak(partial(allocator.take, size), "cuda:0") for size in (2000, 1000)]
    assert [peak and peak.reserved for peak in found] == [2000, 1000]


REFUSED = (
    "max_pool_cuda does not have a deterministic implementation, but you set"
    " 'torch.use_deterministic_algorithms(True)'. You can turn off determinism just for this"
    " operation, or ..."
)
CUBLAS = (
    "Deterministic behavior was enabled with either `torch.use_deterministic_algorithms(True)` or"
    " `at::Context::setDeterministicAlgorithms(true)`, but this operation is not deterministic"
    " because it uses CuBLAS and you have CUDA >= 10.2. To enable deterministic behavior in this"
    " case, you must set an environment variable before running your PyTorch application:"
    " CUBLAS_WORKSPACE_CONFIG=:4096:8 or CUBLAS_WORKSPACE_CONFIG=:16:8."
)
ATTENTION = (
    "Memory Efficient attention defaults to a non-deterministic algorithm. To explicitly enable"
    " determinism call torch.use_deterministic_algorithms(True, warn_only=False)."
)


class Looked:
    """Looks, under settings that it remembers; refused where it has to be strict, if at all."""

    def __init__(self, refused: str | None = None, warned: tuple[str, ...] = ()) -> None:
        self.refused = refused
        self.warned = warned
        self.warn_only: list[bool] = []

    def __call__(self) -> int:
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.backends.cudnn.benchmark
        self.warn_only.append(torch.is_deterministic_algorithms_warn_only_enabled())
        if self.refused is not None and not self.warn_only[-1]:
            raise RuntimeError(self.refused)
        for text in (*self.warned, "something else"):
            warnings.warn(text, stacklevel=1)
        return len(self.warn_only)


def test_the_gate_is_strict_on_cuda_and_leaves_no_setting_behind() -> None:
    look = Looked()
    assert state.deterministically("cuda:0", look) == (1, [])
    assert look.warn_only == [False]
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    ("refused", "said"),
    [(REFUSED, "^max_pool_cuda has no deterministic kernel"), (CUBLAS, 'it uses CuBLAS and .*";')],
)
def test_what_has_no_deterministic_kernel_is_looked_at_again_and_named(
    refused: str, said: str
) -> None:
    look = Looked(refused)
    found, (complaint,) = state.deterministically("cuda:0", look)
    assert (found, look.warn_only) == (2, [False, True])
    assert re.search(said, complaint)
    assert complaint.endswith("if the outputs differ, look there first")
    assert not torch.are_deterministic_algorithms_enabled()


def test_every_warning_of_that_kind_is_told_whatever_its_words() -> None:
    look = Looked(REFUSED, warned=(ATTENTION, REFUSED.replace("max_pool", "cumsum"), ATTENTION))
    _, complaints = state.deterministically("cuda:0", look)
    assert [text.split()[0] for text in complaints] == ["cumsum_cuda", "max_pool_cuda", "torch"]
    assert '"Memory Efficient attention defaults to a non-deterministic algorithm"' in complaints[2]


def test_a_refusal_that_a_library_hands_on_as_its_own_is_one() -> None:
    look = Looked(REFUSED)

    def wrapped() -> int:
        try:
            return look()
        except RuntimeError as error:
            raise ValueError("the attack fell over") from error

    found, (complaint,) = state.deterministically("cuda:0", wrapped)
    assert (found, look.warn_only) == (2, [False, True])
    assert complaint.startswith("max_pool_cuda has no deterministic kernel")


def test_another_error_is_no_refusal() -> None:
    look = Looked("Expected all tensors to be on the same device")
    with pytest.raises(RuntimeError, match="same device"):
        state.deterministically("cuda:0", look)
    assert look.warn_only == [False]
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_gate_leaves_other_devices_alone() -> None:
    found, complaints = state.deterministically("cpu", torch.are_deterministic_algorithms_enabled)
    assert (found, complaints) == (False, [])


def test_cublas_is_told_to_be_deterministic_in_this_process_too() -> None:
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] in (":4096:8", ":16:8")


@pytest.mark.parametrize(
    ("usable", "expected"), [(True, ["cuda:0", "cuda:1", "cpu"]), (False, ["cpu"])]
)
def test_a_gpu_counts_only_if_this_torch_can_use_it(
    monkeypatch: pytest.MonkeyPatch, usable: bool, expected: list[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: usable)
    assert [name for name in environment.devices() if name != "mps"] == expected


@pytest.mark.parametrize(
    ("asked", "there", "chosen"),
    [
        ("auto", ["cuda:0", "cpu"], "cuda:0"),
        ("auto", ["cpu"], "cpu"),
        ("cuda", ["cuda:0", "cpu"], "cuda:0"),
        ("cuda:1", ["cuda:0", "cuda:1", "cpu"], "cuda:1"),
        ("cpu", ["cuda:0", "cpu"], "cpu"),
        ("mps", ["mps", "cpu"], "mps"),
    ],
)
def test_the_device_that_was_asked_for(asked: str, there: list[str], chosen: str) -> None:
    assert choose_device(asked, there, BUILD) == chosen


@pytest.mark.parametrize("asked", ["cuda", "cuda:1", "mps", "gpu"])
def test_a_device_that_is_not_there(asked: str) -> None:
    with pytest.raises(UsageError):
        choose_device(asked, ["cpu"], BUILD)


@pytest.mark.parametrize(("device", "suite"), [("cuda:0", PAPER_LIBRARIES), ("cpu", QUICK)])
def test_defaults_fit_the_device(device: str, suite: str) -> None:
    asked = request()
    chosen = selection.choose_suite(asked, device)
    assert chosen.name == suite
    found = selection.comparisons(asked, chosen, device, print)
    assert len(found) == 6
    assert {comparison.case.device for comparison in found} == {device}


def test_a_selection_keeps_the_rest_of_the_devices_defaults() -> None:
    asked = request("--libs", "torchattacks", "foolbox", "--batch", "16", "8")
    suite = selection.choose_suite(asked, "cuda:0")
    cases = [comparison.case for comparison in selection.comparisons(asked, suite, "cuda:0", print)]
    assert [(case.library, case.batch) for case in cases] == [
        ("torchattacks", 16),
        ("torchattacks", 8),
        ("foolbox", 16),
        ("foolbox", 8),
    ]
    assert {
        (case.model, ImageOptions.of(case).input_shape, ImageOptions.of(case).steps)
        for case in cases
    } == {("resnet50", (3, 224, 224), 40)}


def test_memory_of_a_gpu_is_limited_by_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    class Properties:
        total_memory = 1000

    asked: list[tuple[float, int]] = []
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: Properties())
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda index: 100)
    monkeypatch.setattr(
        torch.cuda,
        "set_per_process_memory_fraction",
        lambda share, index: asked.append((share, index)),
    )
    memory_limit.limit_memory(400, "cuda:1")
    memory_limit.limit_memory(5000, "cuda:1")
    assert asked == [(0.5, 1), (1.0, 1)]


def test_variants_that_start_with_other_memory_are_told() -> None:
    same = {name: Peak(12, 10, 20, "") for name in ("original", "semi-backward")}
    assert footprint.doubts(same) == []
    (said,) = footprint.doubts({**same, "semi-backward": Peak(12, 11, 20, "")})
    assert "original with 10 and semi-backward with 11 bytes" in said
