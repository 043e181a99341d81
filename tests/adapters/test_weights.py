"""Weights from a file: unwrapped, prefixes left out where all then fits, else a line of why not."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from adapters.base import AdapterError
from adapters.models import building, weights
from tests.data.own_models import Small

MODEL = Small()
STATE = MODEL.state_dict()


def kept(what: Any, folder: Path) -> Path:
    file = folder / "weights.pt"
    torch.save(what, file)
    return file


def load(what: Any, folder: Path, model: nn.Module | None = None) -> nn.Module:
    file = kept(what, folder)
    model = model or Small()
    weights.load(model, weights.read(file), file, "small", "build it for")
    return model


def prefixed(prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: value for name, value in STATE.items()}


@pytest.mark.parametrize(
    "what",
    [
        STATE,
        *({key: STATE, "epoch": 3, "optimizer": {"lr": [0.1]}} for key in weights.WRAPPERS),
        {"model": {"state_dict": STATE}},
        *(prefixed(prefix) for prefix in weights.PREFIXES),
        {"state_dict": prefixed("model._orig_mod.module.")},
        {name: value for name, value in STATE.items() if "num_batches" not in name},
        {**prefixed("model."), "momentum.0": torch.zeros(2), "perturbation": torch.zeros(2)},
        {**STATE, "head.weight_mask": torch.ones(2, dtype=torch.uint8)},
    ],
)
def test_what_checkpoints_wrap_weights_in_is_taken_off(what: Any, tmp_path: Path) -> None:
    found = load(what, tmp_path).state_dict()
    assert all(torch.equal(found[name], value) for name, value in STATE.items())


def test_a_prefix_may_be_the_models_own(tmp_path: Path) -> None:
    around = load(STATE, tmp_path, nn.DataParallel(Small())).state_dict()
    assert torch.equal(around["module.head.weight"], MODEL.head.weight)


def test_a_mask_without_its_weight_and_a_part_of_ones_own_stay(tmp_path: Path) -> None:
    pruned = {"weight_orig": torch.zeros(2), "weight_mask": torch.zeros(2)}
    assert set(weights.read(kept(pruned, tmp_path))) == set(pruned)
    parts = {"model.weight": torch.zeros(2), "head.weight": torch.zeros(2)}
    assert set(weights.read(kept(parts, tmp_path))) == set(parts)


def test_safetensors_lose_their_prefix_too(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    weights.safetensors().torch.save_file(prefixed("module."), file)
    model = Small()
    weights.load(model, weights.read(file), file, "small", "build it for")
    assert torch.equal(model.head.weight, MODEL.head.weight)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (
            Small(classes=100).state_dict(),
            r"head.weight is 100×4, not 12×4, head.bias is 100, not 12; it looks like weights for"
            " 100 classes, where the model has 12: build it for 100$",
        ),
        (Small(channels=1).state_dict(), "images with C = 1, where the model takes C = 3"),
        (
            {**prefixed("model."), "loss.weight": torch.ones(3)},
            "the model has no loss.weight; it looks like weights of a deeper model",
        ),
        (
            {name: value for name, value in STATE.items() if "head" not in name},
            "it lacks head.weight, head.bias; it looks like weights of a shallower model",
        ),
        (nn.Linear(2, 2).state_dict(), "it looks like weights of another model"),
        ([1, 2], "is no state dict"),
        ({"epoch": 1, "weights": STATE}, "it holds epoch, weights"),
        ({"model": STATE, "args": argparse.Namespace()}, "safely"),
    ],
)
def test_what_does_not_fit_is_told_in_a_line(what: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=said) as raised:
        load(what, tmp_path)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500 + len(str(tmp_path))


def test_timms_models_have_as_many_classes_as_weights_with_a_prefix(tmp_path: Path) -> None:
    state = building.build("test_resnet", 32, seed=3, classes=7).state_dict()
    file = kept({"state_dict": {f"module.{k}": v for k, v in state.items()}}, tmp_path)
    found = building.build("test_resnet", 32, seed=0, weights=file).state_dict()
    assert all(torch.equal(found[name], value) for name, value in state.items())
