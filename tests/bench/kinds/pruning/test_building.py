"""Stages of pruning as cases: both variants make the same, and what they work on is told."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from adapters.base import AdapterError, UnsupportedSettings
from adapters.papers.mad.methods import STAGES
from bench.cases import SEMI_BACKWARD, Case, Comparison
from bench.kinds.pruning import building
from bench.kinds.pruning.findings import PruningFindings
from bench.kinds.pruning.options import TRAINED, WITH_PERCENT, PruningOptions
from bench.worker import checks, state
from bench.worker.workload import Workload
from tests import fake_cuda
from tests.fake_cuda import played_gpu

pytestmark = pytest.mark.usefixtures("one_thread")

FILE = "tests/data/rectified.py"


def case(stage: str = "masks", model: str = f"{FILE}:build", **told: Any) -> Case:
    weights, batch = told.pop("weights", "as built"), told.pop("batch", 10)
    dtype = told.pop("dtype", "float32")
    percent = 0.5 if stage in WITH_PERCENT else None
    options = {
        **{"input_shape": (1, 8, 8), "pretraining": "none", "eps": 0.1, "steps": 2},
        **{"inside": "reference", "percent": percent, **told},
    }
    return Case(
        *("mad", stage, model, batch, dtype, "cpu", PruningOptions(**options)),
        weights=weights,
    )


def built(asked: Case) -> Workload:
    return building.build(Comparison(asked, SEMI_BACKWARD), seed=0)


@pytest.mark.parametrize("stage", STAGES)
def test_frozen_and_trainable_networks_make_the_same_at_every_stage(stage: str) -> None:
    found = checks.check(built(case(stage)))
    assert found.equality.bitwise
    assert found.gradients is not None
    none = stage in ("closed-form", "evaluation")  # that attacks by autograd.grad
    computed = 0 if none else 6
    trained = 6 if stage == "finetuning" else 0  # by its update
    assert found.gradients["original"] == computed
    assert found.gradients["semi-backward"] == trained


def test_what_a_stage_works_on_is_told() -> None:
    work = built(case())
    found = work.findings(again=False)
    state.settle()
    assert isinstance(found, PruningFindings)
    found.check()
    assert found.weights == "as its builder made them"
    assert (found.layers, found.prunable) == (3, sum(p.numel() for p in work.model.parameters()))
    assert work.findings(again=True) is None


def test_a_run_of_finetuning_starts_where_the_last_one_did() -> None:
    work = built(case("finetuning"))
    first, second = (work.output(SEMI_BACKWARD) for _ in range(2))
    assert torch.equal(first, second)
    zeros = sum(int((value == 0).sum()) for value in work.model.state_dict().values())
    assert zeros > 0.49 * first.numel()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"dtype": "float16"}, "mad works in float32, float64 only, not float16"),
        ({"weights": TRAINED, "model": "mad_vgg_small", "pretraining": "mart"}, "not been trained"),
        ({"classes": 7}, "has 10 classes, and digits has 7: it can't be trained on it"),
        ({"inside": "openattack"}, "openattack has no pgd in a ball to train with"),
        ({"model": "tests/data/pruned.py:zeros"}, "hidden holds only zeros"),
        ({"model": "tests/data/pruned.py:none"}, "no convolution or linear layer"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_what_can_t_be_pruned_is_refused_in_a_line(told: dict[str, Any], said: str) -> None:
    with pytest.raises(UnsupportedSettings, match=said) as caught:
        built(case("masks", **told))
    assert "\n" not in str(caught.value)


def test_what_stays_dense_is_named() -> None:
    work = built(case(model="tests/data/pruned.py:mixed"))
    (told,) = [said for said in work.remarks() if "dense" in said]
    assert told.startswith("left dense: ")
    assert "Conv1d" in told


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.pt"
    torch.save(nn.Linear(3, 2).state_dict(), file)
    with pytest.raises(AdapterError, match="does not fit"):
        built(case(weights=str(file)))


def test_options_come_back_from_json() -> None:
    asked = case("finetuning")
    again = Case.from_json(json.loads(json.dumps(asdict(asked))))
    assert again == asked
    assert again.id == asked.id


@pytest.mark.parametrize(
    "told",
    [{"input_shape": (1, 8)}, {"pretraining": "much"}, {"eps": 0.0}, {"percent": 1.0}],
    ids=str,
)
def test_a_record_s_options_are_looked_at(told: dict[str, Any]) -> None:
    options = {"input_shape": (1, 8, 8), **told}
    with pytest.raises(ValueError, match=r"case\.options"):
        PruningOptions(**options).check()


@played_gpu
@pytest.mark.parametrize("stage", ["saliency", "finetuning"])
def test_on_a_gpu_a_stage_runs_there(stage: str) -> None:
    there = replace(case(stage), device=fake_cuda.DEVICE)
    with fake_cuda.played():
        work = built(there)
        first, second = (work.output(variant) for variant in ("original", SEMI_BACKWARD))
        assert first.device.type == "cuda"
        assert torch.equal(first, second)
