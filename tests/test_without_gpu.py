"""The CUDA path where there is no GPU, through fakes at the seams."""

from __future__ import annotations

import warnings

import pytest
import torch

from bench import environment, memory, selection, state
from bench.arguments import parse
from bench.command import choose_device
from bench.errors import UsageError
from bench.suites import PAPER_LIBRARIES, QUICK

BUILD: dict[str, str | None] = {"version": "2.13.0", "cuda": "13.0", "cudnn": "9"}


def test_peak_memory_is_reset_before_and_read_after_the_device_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log: list[str] = []
    for name in ("synchronize", "reset_peak_memory_stats", "max_memory_allocated"):

        def fake(device: str, name: str = name) -> int:
            log.append(f"{name} {device}")
            return 12345

        monkeypatch.setattr(torch.cuda, name, fake)
    assert memory.peak(lambda: log.append("run"), "cuda:1") == (12345, memory.CUDA)
    assert log == [
        "synchronize cuda:1",
        "reset_peak_memory_stats cuda:1",
        "run",
        "synchronize cuda:1",
        "max_memory_allocated cuda:1",
    ]


def test_the_gate_is_deterministic_on_cuda_and_leaves_no_setting_behind() -> None:
    with state.deterministic("cuda:0") as complaints:
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        warnings.warn("max_pool_cuda does not have a deterministic implementation", stacklevel=1)
        warnings.warn("something else", stacklevel=1)
    assert not torch.are_deterministic_algorithms_enabled()
    assert [text.split()[0] for text in complaints] == ["max_pool_cuda"]


def test_the_gate_leaves_other_devices_alone() -> None:
    with state.deterministic("cpu") as complaints:
        assert not torch.are_deterministic_algorithms_enabled()
    assert complaints == []


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
    asked = parse([])
    chosen = selection.choose_suite(asked, device)
    assert chosen.name == suite
    found = selection.comparisons(asked, chosen, device)
    assert len(found) == 6
    assert {comparison.case.device for comparison in found} == {device}


def test_a_selection_keeps_the_rest_of_the_devices_defaults() -> None:
    asked = parse(["--libs", "torchattacks", "foolbox", "--batch", "16", "8"])
    suite = selection.choose_suite(asked, "cuda:0")
    cases = [comparison.case for comparison in selection.comparisons(asked, suite, "cuda:0")]
    assert [(case.library, case.batch) for case in cases] == [
        ("torchattacks", 16),
        ("torchattacks", 8),
        ("foolbox", 16),
        ("foolbox", 8),
    ]
    assert {(case.model, case.input_shape, case.steps) for case in cases} == {
        ("resnet50", (3, 224, 224), 40)
    }
