"""The probe: each answer on disk at once, none asked twice, and one that dies costs itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tools.bench_gpu import questions
from tools.bench_gpu.probe import probe
from tools.bench_gpu.questions import Place, Question

CPU = Place("cpu", small=True)


def answers(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_a_cut_loses_the_question_in_hand_and_none_is_asked_twice(tmp_path: Path) -> None:
    asked: list[str] = []
    path = tmp_path / "probe.json"

    def first(place: Place) -> int:
        asked.append("first")
        return 1

    def second(place: Place) -> int:
        asked.append("second")
        if asked.count("second") == 1:
            raise KeyboardInterrupt
        return 2

    every = [Question(first), Question(second)]
    with pytest.raises(KeyboardInterrupt):
        probe(CPU, path, every)
    assert answers(path)["answers"] == {"first": 1}
    assert probe(CPU, path, every) == 0
    assert asked == ["first", "second", "second"]
    assert answers(path)["answers"] == {"first": 1, "second": 2}


def test_a_question_that_dies_is_told_and_the_others_are_asked(tmp_path: Path) -> None:
    def dies(place: Place) -> int:
        raise RuntimeError("no kernel image")

    def lives(place: Place) -> int:
        return 3

    def of_cuda(place: Place) -> int:
        raise AssertionError("there is none here")

    path = tmp_path / "probe.json"
    every = [Question(dies), Question(of_cuda, cuda=True), Question(lives)]
    assert probe(CPU, path, every) == 1
    assert answers(path)["died"] == {"dies": "RuntimeError: no kernel image"}
    assert answers(path)["answers"] == {"lives": 3}


class RoundsDifferently(torch.autograd.Function):
    """Another last bit of the input's gradient where the weight is frozen."""

    @staticmethod
    def forward(ctx: Any, inputs: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return inputs * 1

    @staticmethod
    def backward(ctx: Any, asked: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        if ctx.needs_input_grad[1]:
            return asked, asked.sum((0, 2, 3))
        return asked * (1 + 2**-20), None


@pytest.mark.usefixtures("one_thread")
def test_a_layer_that_rounds_differently_once_it_is_frozen_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert set(questions.batch_norm(CPU).values()) == {0}, "on a CPU the bits are the same"

    def forward(self: nn.BatchNorm2d, inputs: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = RoundsDifferently.apply(inputs, self.weight)  # type: ignore[no-untyped-call]
        return found

    monkeypatch.setattr(nn.BatchNorm2d, "forward", forward)
    assert min(questions.batch_norm(CPU).values()) > 1000
    found = questions.resnet(CPU)
    assert set(found) == {"TF32", "float32", "TF32, channels last"}
    for each in found.values():
        assert 0 < each["relative norm of the difference"] < 1e-3


def test_attention_repeats_itself_on_a_cpu_and_leaves_torch_as_it_was() -> None:
    assert set(questions.attention(CPU).values()) == {True}
    assert not torch.are_deterministic_algorithms_enabled()
