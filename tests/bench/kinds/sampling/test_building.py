"""An attack by Monte-Carlo gradients as a case: both variants make the same, and how is told."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
import torch

from adapters import caching
from adapters.base import AdapterError, UnsupportedSettings
from bench.cases import SEMI_BACKWARD, Case, Comparison
from bench.kinds.sampling import building
from bench.kinds.sampling.building import judging, networks
from bench.kinds.sampling.findings import SamplingFindings
from bench.kinds.sampling.options import AGENT, RANDOM, TRAINED, SamplingOptions
from bench.worker import checks, state
from tests import fake_cuda
from tests.fake_cuda import played_gpu

pytestmark = pytest.mark.usefixtures("one_thread")

FILE = "tests/data/rectified.py"


def case(
    model: str = f"{FILE}:build", attack: str = "fgsm", weights: str = "as built", **told: Any
) -> Case:
    batch = told.pop("batch", 3)
    options = {"input_shape": (1, 8, 8), "defence": "sap-100", "samples": 4, **told}
    return Case(
        *("sap", attack, model, batch, "float32", "cpu", SamplingOptions(**options)),
        weights=weights,
    )


def built(asked: Case) -> building.SamplingWorkload:
    return building.build(Comparison(asked, SEMI_BACKWARD), seed=0)


def findings(asked: Case) -> SamplingFindings:
    found = built(asked).findings(again=False)
    state.settle()
    assert found is not None
    found.check()
    return found


@pytest.mark.parametrize("attack", ["fgsm", "iterative"])
@pytest.mark.parametrize("defence", ["dense", "sap-100", "sap-100-fast", "rsw-0.1"])
def test_frozen_networks_give_the_same_images_under_the_same_draws(
    attack: str, defence: str
) -> None:
    found = checks.check(built(case(attack=attack, defence=defence, strength=2.0, chunk=2)))
    assert found.equality.bitwise
    assert found.gradients is not None
    assert found.gradients["call"] == "backward"
    assert found.gradients["semi-backward"] == 0
    assert int(found.gradients["original"]) > 0
    assert found.theory is not None
    assert found.theory["passes"] == pytest.approx(1.5)


def test_how_samples_are_taken_is_told() -> None:
    alone = findings(case(samples=10, chunk=4))
    assert (alone.chunk, alone.passes, alone.probed, alone.relus) == (4, 3, 3, 2)
    assert alone.weights == "as its builder made them"
    steps = findings(case(attack="iterative", samples=10, chunk=5, strength=3.0))
    assert steps.passes == 6
    assert findings(case(defence="swp-100", samples=2)).relus == 0
    assert findings(case(attack="noise", samples=1)).passes == 0


@pytest.mark.parametrize("attack", ["fgsm", "iterative"])
def test_what_is_looked_into_has_few_passes_and_what_is_timed_all(attack: str) -> None:
    work = built(case(attack=attack, samples=6, chunk=2, strength=20.0))
    called: list[int] = []
    work.network.model.register_forward_hook(lambda *_: called.append(1))
    work.probe("original", lambda run: run())
    few = len(called)
    work.run("original", lambda run: run())
    state.settle()
    assert len(called) - few == (3 if attack == "fgsm" else 60)
    assert few == (3 if attack == "fgsm" else 9)


def test_both_variants_take_as_many_samples_in_a_pass() -> None:
    work = built(case(samples=100))
    told = {attack.keywords["settings"].chunk for attack in work.attacks.values()}  # type: ignore[attr-defined]
    state.settle()
    assert told == {work.chunk.samples}
    assert 1 < work.chunk.samples < 100


def test_a_chunk_that_does_not_fit_is_halved_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "_free", lambda device: 200_000)
    work = built(case(samples=64, chunk=64))
    state.settle()
    assert work.chunk.samples < 64
    assert any(told.startswith("--chunk 64: 64 samples do not fit") for told in work.remarks())


def test_images_are_repeated_where_a_batch_has_more_than_there_are() -> None:
    work = built(case(batch=361, samples=1))
    state.settle()
    assert len(work.images) == 361
    assert torch.equal(work.images[0], work.images[360])
    assert "digits has 360 test images: they are repeated" in work.remarks()


def test_a_network_without_a_relu_is_refused_in_a_line() -> None:
    with pytest.raises(AdapterError, match="no ReLU ran") as refused:
        built(case(f"{FILE}:smooth"))
    assert "\n" not in str(refused.value)


def test_a_network_without_one_can_have_its_weights_changed() -> None:
    assert checks.check(built(case(f"{FILE}:smooth", defence="rnw-0.1"))).equality.bitwise


def test_networks_of_the_catalogue_come_with_weights_that_nobody_trained() -> None:
    found = networks.attacked(
        case("wrn_10_1", weights=RANDOM, input_shape=(3, 32, 32), defence="dense"), 0, 2
    )
    assert found.model(found.images).shape == (2, 10)


def test_what_was_not_trained_names_the_command_that_does(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(caching.VARIABLE, str(tmp_path))
    with pytest.raises(UnsupportedSettings, match="robustness --models resnet20` trains it"):
        networks.attacked(case("resnet20", weights=TRAINED, input_shape=(3, 16, 16)), 0, 2)
    agent = case(AGENT, weights=TRAINED, environment="catch", input_shape=(4, 84, 84), classes=3)
    with pytest.raises(UnsupportedSettings, match="ddqn has not been trained on catch"):
        networks.attacked(agent, 0, 2)


@played_gpu
def test_a_gpu_takes_as_many_samples_in_a_pass_as_it_is_told() -> None:
    there = replace(case(samples=4, chunk=2), device=fake_cuda.DEVICE)
    with fake_cuda.played():
        work = built(there)
        made = work.output("original")
        where, shape = made.device.type, tuple(made.shape)
        found = work.findings(again=False)
        told = judging.Server().answer(_json(there), seed=0, levels=[0.0, 8.0], passes=2, images=4)
    assert (where, shape) == ("cuda", (3, 1, 8, 8))
    assert found is not None
    assert (found.chunk, found.passes) == (2, 2)
    assert [one["images"] for one in told["judged"]] == [4, 4]


def _json(asked: Case) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(asdict(asked)))
    return found
