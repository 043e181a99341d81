"""Trainings by a method in the place of what the catalogue says: natural, PGD, TRADES and MART."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from adapters import data, losses
from adapters.base import AdapterError
from adapters.models import weights
from adapters.models.classifiers.catalogue import NETWORKS
from adapters.models.classifiers.resnet import ResNet
from adapters.models.trained import adversarial, cache
from adapters.models.trained.catalogue import Network
from adapters.models.trained.recipes import METHODS, Recipe, Stage
from adapters.models.trained.training import LOSSES, Trainee
from tests.adapters.trained import toy

pytestmark = pytest.mark.usefixtures("one_thread")

DIGITS = data.facts("digits")
RADIUS = 0.1


@pytest.fixture(autouse=True)
def _a_small_classifier_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """On 60 digits of 8 pixels, all in one minibatch."""
    recipe = Recipe((Stage("training", 3, 0.1),), batch=60, adversarial=RADIUS)
    made = f"{ResNet.__module__}:{ResNet.__qualname__}"
    arguments = {"units": 1, "width": 2}
    row = Network(made, "nobody", recipe, recipe, arguments=arguments, digits_size=8)
    monkeypatch.setitem(NETWORKS, "small", row)
    read = data.load("digits")
    few = replace(read, images=read.images[:60], labels=read.labels[:60])
    monkeypatch.setattr(data, "load", lambda where: few)


def begun(tmp_path: Path, method: str | None, name: str = "x") -> Trainee:
    return Trainee("small", "digits", 0, tmp_path / f"{name}.safetensors", method=method)


def trained(trainee: Trainee) -> dict[str, Tensor]:
    while not trainee.done:
        trainee.epoch()
    return weights.read(trainee._file)


def test_each_method_makes_weights_of_its_own() -> None:
    found = {method: cache.path("small", "digits", 10, 0, method=method) for method in METHODS}
    assert len(set(found.values())) == 4
    assert found["pgd"] == cache.path("small", "digits", 10, 0)


def test_the_ball_is_the_recipes_or_else_the_datas() -> None:
    radii = [cache.recipe("small", DIGITS, method=method).adversarial for method in METHODS]
    assert radii == [0, RADIUS, RADIUS, RADIUS]
    assert cache.recipe("resnet20", DIGITS, method="trades").adversarial == DIGITS.eps
    assert cache.recipe("small", DIGITS, adversarial=0.2, method="mart").adversarial == 0.2


def test_no_method_mixes_clean_images_with_adversarial_ones() -> None:
    found = [cache.recipe("resnet20_adversarial", DIGITS, method=method) for method in METHODS]
    assert [(recipe.mixture, recipe.loss) for recipe in found] == [
        (None, None),
        (None, None),
        (None, "trades"),
        (None, "mart"),
    ]
    usual = cache.recipe("resnet20_adversarial", DIGITS)
    assert all(recipe.stages == usual.stages for recipe in found)


def test_a_method_that_there_is_not_is_a_line(tmp_path: Path) -> None:
    said = r"^there is no method 'free' to train small by; there are natural, pgd, trades, mart$"
    with pytest.raises(AdapterError, match=said):
        begun(tmp_path, "free")


@pytest.mark.parametrize("method", ["natural", "trades", "mart"])
def test_an_interruption_after_any_epoch_changes_no_weight(method: str, tmp_path: Path) -> None:
    whole = trained(begun(tmp_path, method, "whole"))
    for _ in range(2):
        begun(tmp_path, method, "parts").epoch()
    parts = trained(begun(tmp_path, method, "parts"))
    assert parts.keys() == whole.keys()
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())


@pytest.mark.parametrize("method", ["trades", "mart"])
def test_what_is_descended_is_of_clean_and_adversarial_images(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Tensor, Tensor, Tensor]] = []
    usual = adversarial.attacked

    def watched(network: nn.Module, images: Tensor, labels: Tensor, *others: object) -> Tensor:
        made = usual(network, images, labels, *others)  # type: ignore[arg-type]
        seen.append((images, made, labels))
        return made

    monkeypatch.setattr(adversarial, "attacked", watched)
    trainee = begun(tmp_path, method)
    before = copy.deepcopy(trainee._network).train()
    trainee.epoch()
    ((images, made, labels),) = seen
    with torch.no_grad():
        wanted = getattr(losses, method)(before(images), before(made), labels)
    assert trainee.loss == float(wanted)
    assert 0.9 * RADIUS < float((made - images).abs().max()) <= RADIUS + 1e-6
    assert set(LOSSES) == {"trades", "mart"}


@pytest.mark.parametrize(("loss", "same"), [("trades", True), ("mart", False), (None, False)])
def test_the_attack_of_trades_knows_no_labels(loss: str | None, same: bool) -> None:
    torch.manual_seed(0)
    network = ResNet(10, units=1, width=2)
    images, labels = torch.rand(8, 3, 8, 8), torch.arange(8)
    made = []
    for told in (labels, labels + 1):
        torch.manual_seed(1)
        found = adversarial.attacked(network, images, told, RADIUS, loss)  # type: ignore[arg-type]
        made.append(found)
    assert torch.equal(*made) is same
    assert all(p.grad is None and p.requires_grad for p in network.parameters())


def test_what_has_a_loss_of_its_own_is_trained_by_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.register(monkeypatch)
    with pytest.raises(AdapterError, match=r"toy can't be trained by mart.*another method") as said:
        Trainee("toy", "digits", 0, tmp_path / "x", method="mart")
    assert "\n" not in str(said.value)
    Trainee("toy", "digits", 0, tmp_path / "x", method="pgd").epoch()


def test_a_network_by_another_method_is_left_alone(tmp_path: Path) -> None:
    trained(begun(tmp_path, "trades"))
    assert begun(tmp_path, "trades").done
    with pytest.raises(AdapterError, match=r"has small on digits, seed 0.*remove it, or name"):
        begun(tmp_path, "mart")
