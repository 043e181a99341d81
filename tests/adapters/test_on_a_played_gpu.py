"""What adapters do for CUDA's sake is needed: a CPU that plays a GPU says so, as CUDA would.

That every attack on images runs there is in test_conformance; text and training are here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor, nn

from adapters import registry, starting_points
from adapters.base import Settings
from adapters.libraries import advertorch, cleverhans, deeprobust, secml_torch
from bench.cases import BASELINE, FORWARD_ONLY, SEMI_BACKWARD, Comparison
from bench.kinds.images import building
from bench.kinds.text import building as text_building
from bench.kinds.training import building as training_building
from bench.worker import checks, state
from tests import fake_cuda
from tests.adapters.asked import SMALL_SEED, small_case
from tests.cases import changed, small_training, text_case
from tests.fake_cuda import DEVICE, played_gpu

pytestmark = [played_gpu, pytest.mark.usefixtures("one_thread")]


@pytest.fixture
def gpu() -> Iterator[None]:
    state.settle()
    with fake_cuda.played():
        yield


def given(make: Callable[..., Any], **fixed: object) -> Callable[..., Any]:
    """`make`, with these keywords whatever the caller gives."""
    return lambda *arguments, **keywords: make(*arguments, **{**keywords, **fixed})


def output(library: str, attack: str, device: str = DEVICE) -> Tensor:
    asked = Comparison(small_case(library, attack, device), SEMI_BACKWARD)
    return building.build(asked, seed=SMALL_SEED).output(BASELINE)


@pytest.mark.parametrize(
    ("library", "attack"),
    [
        *(
            (name, "fgsm")
            for name in ("foolbox", "torchattacks", "art", "cleverhans", "deeprobust", "captum")
        ),
        ("secml-torch", "pgd"),
        ("torchattack", "fgsm"),
    ],
)
def test_an_attack_finds_there_what_it_finds_on_the_cpu(library: str, attack: str) -> None:
    expected = output(library, attack, "cpu")
    with fake_cuda.played():
        found = output(library, attack).cpu().numpy()
    assert numpy.array_equal(found, expected.numpy())


@pytest.mark.parametrize("attack", ["fab", "fab-l2", "fab-l1"])
def test_advertorchs_fab_needs_its_tensors_made_there(
    attack: str, gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = dict.fromkeys(["LinfFABAttack", "L2FABAttack", "L1FABAttack"], advertorch._perturb)
    builders = {**advertorch.Advertorch.builders, **usual}
    monkeypatch.setattr(advertorch.Advertorch, "builders", builders)
    with pytest.raises(RuntimeError, match="indices should be either on cpu"):
        output("advertorch", attack)


def test_cleverhans_checks_need_another_numpy(gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleverhans, "NumpyOffCpu", lambda module: module)
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
        output("cleverhans", "pgd")


def test_cleverhans_has_the_usual_numpy_on_the_cpu_again() -> None:
    module: Any = importlib.import_module("cleverhans.torch.attacks.projected_gradient_descent")
    with fake_cuda.played():
        output("cleverhans", "pgd")
        used = [type(module.np)]
    output("cleverhans", "pgd", "cpu")
    used.append(type(module.np))
    assert used == [cleverhans.NumpyOffCpu, type(numpy)]


MIXED = "Expected all tensors to be on the same device|Input type .* should be the same"


@pytest.mark.parametrize("attack", ["fast-pgd", "deepfool"])
def test_deeprobust_needs_the_device(
    attack: str, gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deeprobust, "_device", lambda settings: "cpu")
    with pytest.raises(RuntimeError, match=MIXED):
        output("deeprobust", attack)


@pytest.mark.parametrize("attack", ["fmn-l2", "ddn"])
def test_two_of_secml_torch_need_the_scores_on_the_cpu(
    attack: str, gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secml_torch, "_to_cpu", lambda scores: scores)
    with pytest.raises(RuntimeError, match=MIXED):
        output("secml-torch", attack)


def test_foolbox_needs_the_device(gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import foolbox

    monkeypatch.setattr(foolbox, "PyTorchModel", given(foolbox.PyTorchModel, device="cpu"))
    with pytest.raises(RuntimeError, match=MIXED):
        output("foolbox", "pgd")


def test_art_needs_images_from_the_gpu(gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tensor, "cpu", lambda tensor: tensor)
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
        output("art", "pgd")


def art_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    from art.estimators import classification

    on_the_cpu = given(classification.PyTorchClassifier, device_type="cpu")
    monkeypatch.setattr(classification, "PyTorchClassifier", on_the_cpu)


def deeprobust_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deeprobust, "_device", lambda settings: "cpu")


@pytest.mark.parametrize(
    ("library", "without"), [("art", art_on_the_cpu), ("deeprobust", deeprobust_on_the_cpu)]
)
def test_a_library_that_is_not_told_the_device_takes_the_model_off_it(
    library: str,
    without: Callable[[pytest.MonkeyPatch], None],
    gpu: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a word; one that does so in a run has it put back, and the record tells."""
    without(monkeypatch)
    asked = Comparison(small_case(library, "pgd", DEVICE), SEMI_BACKWARD)
    work = building.build(asked, seed=SMALL_SEED)
    work.output(BASELINE)
    stays = any(parameter.is_cuda for parameter in work.model.parameters())
    assert not stays or "changes weight" in checks.left_behind(work)[0]


@pytest.mark.parametrize("library", ["foolbox", "cleverhans"])
def test_starting_points_need_the_device(
    library: str, gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = starting_points.find

    def on_the_cpu(model: nn.Module, settings: Settings) -> object:
        return find(model, replace(settings, device="cpu"))

    monkeypatch.setattr(starting_points, "find", on_the_cpu)
    with pytest.raises(RuntimeError, match=MIXED):
        output(library, "hopskipjump")


TEXT = list(registry.get("openattack").attacks())


@pytest.mark.parametrize("attack", TEXT)
def test_attacks_on_text_run_there_and_their_variants_agree(attack: str, gpu: None) -> None:
    asked = text_case(attack=attack, batch=1, queries=5, device=DEVICE)
    work = text_building.build(Comparison(asked, FORWARD_ONLY), seed=0)
    first, second = (work.output(variant) for variant in work.variants)
    assert [outcome.error for outcome in first] == [None]
    assert work.compare(first, second).bitwise
    assert next(work.model.parameters()).is_cuda


def test_attacks_on_text_need_the_device(gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from OpenAttack.victim import classifiers

    kind = classifiers.TransformersClassifier
    monkeypatch.setattr(kind, "__init__", given(kind.__init__, device=torch.device("cpu")))
    asked = text_case(attack="deepwordbug", batch=1, queries=5, device=DEVICE)
    work = text_building.build(Comparison(asked, SEMI_BACKWARD), seed=0)
    (outcome,) = work.output(BASELINE)
    assert outcome.error is None
    assert not any(parameter.is_cuda for parameter in work.model.parameters())


@pytest.mark.parametrize("method", ["natural", "pgd", "trades", "mart", "fast", "free"])
def test_training_steps_there_give_the_same_weights(method: str, gpu: None) -> None:
    asked = changed(small_training(method), model="wrn_10_1", device=DEVICE)
    work = training_building.build(Comparison(asked, SEMI_BACKWARD), seed=0)
    first, second = (work.output(variant) for variant in work.variants)
    assert first.is_cuda
    assert torch.equal(first, second)
