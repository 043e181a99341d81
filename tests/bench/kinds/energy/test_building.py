"""An energy attack as a case: both variants make the same, and what comes of it is told."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from adapters import caching
from adapters.base import AdapterError, UnsupportedSettings
from adapters.papers.energy import methods
from bench.cases import SEMI_BACKWARD, Case, Comparison
from bench.kinds.energy import building
from bench.kinds.energy.building import attacking, networks
from bench.kinds.energy.findings import EnergyFindings
from bench.kinds.energy.options import TRAINED, EnergyOptions
from bench.worker import checks
from tests import fake_cuda
from tests.fake_cuda import played_gpu

pytestmark = pytest.mark.usefixtures("one_thread")

FILE = "tests/data/gated.py"


def case(
    model: str = "build", attack: str = "gradmdm", weights: str = "as built", **told: Any
) -> Case:
    options = EnergyOptions(**{"input_shape": (3, 32, 32), "steps": 5, "iterations": 6, **told})
    name = model if weights == TRAINED else f"{FILE}:{model}"
    return Case("papers", attack, name, 3, "float32", "cpu", options, weights=weights)


def built(asked: Case) -> building.EnergyWorkload:
    return building.build(Comparison(asked, SEMI_BACKWARD), seed=0)


@pytest.fixture(scope="module")
def checked() -> dict[str, checks.Checks]:
    return {name: checks.check(built(case(attack=name))) for name in ("ilfo", "gradmdm")}


@pytest.mark.parametrize("attack", ["ilfo", "gradmdm"])
def test_frozen_networks_give_the_same_images_for_fewer_operations(
    attack: str, checked: dict[str, checks.Checks]
) -> None:
    found = checked[attack]
    assert found.equality.bitwise
    assert found.gradients is not None
    assert found.gradients["call"] == "backward"
    assert found.gradients["semi-backward"] == 0
    assert int(found.gradients["original"]) > 0
    assert found.theory is not None
    assert found.theory["passes"] == methods.ceiling(attack)
    assert float(found.theory["speedup"]) > 1.2
    assert found.findings is not None


def test_two_backward_passes_have_more_to_gain_than_one(checked: dict[str, checks.Checks]) -> None:
    one, two = (float((checked[name].theory or {})["speedup"]) for name in ("ilfo", "gradmdm"))
    assert two > one


def test_what_an_attack_comes_to_is_found_out_once() -> None:
    work = built(case())
    found = work.findings(again=False)
    assert isinstance(found, EnergyFindings)
    assert (found.iterations, found.backwards, found.reached.images) == (6, 2, 3)
    assert found.reached.static_flops == work.model.static_flops
    assert all(error > 0 for error in found.reached.mse)
    assert work.findings(again=True) is None


def test_where_every_gate_is_on_there_is_nothing_to_recover() -> None:
    found = built(case("all_on")).findings(again=False)
    assert found is not None
    assert found.reached.recovery == [None, None, None]


def test_the_output_may_be_a_dictionary() -> None:
    same = [built(case(name)).output("original") for name in ("build", "AsDict")]
    assert torch.equal(*same)


def test_a_network_for_other_classes_says_itself_what_images_are() -> None:
    work = built(case("Other"))
    assert any("12 classes and digits 10" in said for said in work.remarks())
    assert work.labels.max() < 12


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("Gateless", "has no gates"),
        ("Beyond", "outside [0, 1]"),
        ("nothing", "defines no nothing"),
    ],
)
def test_a_network_that_is_none_is_refused_in_a_line(model: str, said: str) -> None:
    with pytest.raises(AdapterError) as error:
        built(case(model))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_early_exits_are_needed_for_an_attack_on_them() -> None:
    work = built(case(attack="deepsloth"))
    with pytest.raises(UnsupportedSettings, match="early exits"):
        work.output("original")


def test_a_network_that_was_never_trained_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(caching.VARIABLE, str(tmp_path))
    with pytest.raises(UnsupportedSettings, match="skipnet has not been trained on digits"):
        built(case("skipnet", weights=TRAINED))


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    file.write_bytes(b"no weights")
    with pytest.raises(AdapterError, match="holds no weights that can be loaded safely"):
        built(case(weights=str(file)))


def test_images_take_the_shape_of_a_user_s_network() -> None:
    grey = case(input_shape=(1, 16, 24))
    assert networks.pictures(grey, 0, 4).shape == (4, 1, 16, 24)
    with pytest.raises(UnsupportedSettings, match="2 channels"):
        networks.pictures(case(input_shape=(2, 8, 8)), 0, 4)


def test_seeds_draw_the_images() -> None:
    first, again, other = (networks.pictures(case(), seed, 4) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_to_the_end_on_test_images_and_behind_defences() -> None:
    asked = case(defences=("smoothing", f"{FILE}:identity", f"{FILE}:halved"))
    found = attacking.Server().answer(_json(asked), seed=0, images=5)
    assert found["reached"]["images"] == 5
    assert len(found["steps"]) == 6
    assert found["steps"][0]["mse"] == pytest.approx(0, abs=1e-6)
    assert all(len(step["on"]) == 2 for step in found["steps"])
    assert found["elsewhere"][f"{FILE}:identity"] == found["reached"]
    assert found["elsewhere"]["smoothing"]["mse"] == found["reached"]["mse"]
    assert list(found["left_out"]) == [f"{FILE}:halved"]
    assert "shape (5, 3, 16, 16)" in found["left_out"][f"{FILE}:halved"]


def test_batches_do_not_change_what_comes_of_an_image() -> None:
    asked = case()
    few = attacking.Server().answer(_json(asked), seed=0, images=5)
    whole = attacking.Server().answer(_json(replace(asked, batch=5)), seed=0, images=5)
    assert few["reached"]["recovery"] == pytest.approx(whole["reached"]["recovery"])
    assert few["reached"]["mse"] == pytest.approx(whole["reached"]["mse"], rel=1e-3)


@played_gpu
def test_a_gpu_makes_of_it_what_the_cpu_does() -> None:
    there = replace(case(), device=fake_cuda.DEVICE)
    with fake_cuda.played():
        work = built(there)
        made = work.output("original")
        where, values = made.device.type, made.cpu().numpy()
        found = work.findings(again=False)
        told = attacking.Server().answer(_json(there), seed=0, images=4)
    assert where == "cuda"
    assert numpy.array_equal(values, built(case()).output("original").numpy())
    assert found is not None
    assert found.reached.recovery == (built(case()).findings(again=False) or found).reached.recovery
    assert told["reached"]["images"] == 4


def _json(asked: Case) -> dict[str, Any]:
    return asdict(asked)
