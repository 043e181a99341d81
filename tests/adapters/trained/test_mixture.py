"""Adversarial images among clean ones, made on the network as it was when the epoch began."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from adapters import data
from adapters.models import weights
from adapters.models.classifiers.catalogue import NETWORKS
from adapters.models.classifiers.resnet import ResNet
from adapters.models.trained import adversarial, cache
from adapters.models.trained.catalogue import Network
from adapters.models.trained.recipes import Falls, Mixture, Recipe, Stage
from adapters.models.trained.training import Trainee

pytestmark = pytest.mark.usefixtures("one_thread")

MIXTURE = Mixture(share=0.2, strength=2)
STAGE = Stage("training", 4, 0.2, falls=Falls(after=(1, 3), by=0.5))


@dataclass(frozen=True)
class Mixed:
    """A minibatch, and what was made of it."""

    before: nn.Module
    images: Tensor
    labels: Tensor
    made: Tensor


@pytest.fixture(autouse=True)
def _a_small_classifier_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """On 100 digits of 8 pixels, in minibatches of 50."""
    recipe = Recipe((STAGE,), batch=50, mixture=MIXTURE)
    made = f"{ResNet.__module__}:{ResNet.__qualname__}"
    arguments = {"units": 1, "width": 2, "dropout": 0.1}
    row = Network(made, "nobody", recipe, recipe, arguments=arguments, digits_size=8)
    monkeypatch.setitem(NETWORKS, "small", row)
    read = data.load("digits")
    few = replace(read, images=read.images[:100], labels=read.labels[:100])
    monkeypatch.setattr(data, "load", lambda where: few)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Mixed]:
    """Every minibatch that is mixed from now on."""
    found: list[Mixed] = []
    usual = adversarial.mixed

    def watched(before: nn.Module, images: Tensor, labels: Tensor, mixture: Mixture) -> Tensor:
        made = usual(before, images, labels, mixture)
        found.append(Mixed(copy.deepcopy(before), images, labels, made))
        return made

    monkeypatch.setattr(adversarial, "mixed", watched)
    return found


def begun(tmp_path: Path, name: str = "x") -> Trainee:
    return Trainee("small", "digits", 0, tmp_path / f"{name}.safetensors")


def trained(trainee: Trainee) -> dict[str, Tensor]:
    while not trainee.done:
        trainee.epoch()
    return weights.read(trainee._file)


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_fifth_of_a_minibatch_is_adversarial(tmp_path: Path, seen: list[Mixed]) -> None:
    begun(tmp_path).epoch()
    assert [len(batch.images) for batch in seen] == [50, 50]
    for batch in seen:
        changed = (batch.made != batch.images).flatten(1).any(dim=1)
        assert changed.tolist() == [True] * 10 + [False] * 40
        assert float((batch.made - batch.images).abs().max()) == pytest.approx(2 / 255)
        assert 0 <= float(batch.made.min()) <= float(batch.made.max()) <= 1


def test_they_are_made_by_fgsm(tmp_path: Path, seen: list[Mixed]) -> None:
    begun(tmp_path).epoch()
    batch = seen[-1]
    images = batch.images[:10].clone().requires_grad_(True)
    functional.cross_entropy(batch.before(images), batch.labels[:10]).backward()
    assert images.grad is not None
    wanted = (images + 2 / 255 * images.grad.sign()).clamp(0, 1)
    assert torch.allclose(batch.made[:10], wanted, atol=1e-6)


def test_they_are_made_on_the_network_as_it_was_when_the_epoch_began(
    tmp_path: Path, seen: list[Mixed]
) -> None:
    trainee = begun(tmp_path)
    for epoch in range(2):
        began = {name: value.clone() for name, value in trainee._network.state_dict().items()}
        trainee.epoch()
        mine = seen[2 * epoch :]
        assert all(same(batch.before.state_dict(), began) for batch in mine)
        assert not any(batch.before.training for batch in mine)
        assert not same(trainee._network.state_dict(), began)


def test_they_are_what_it_is_trained_on(
    tmp_path: Path, seen: list[Mixed], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Tensor] = []
    usual = ResNet.training_loss

    def watched(self: ResNet, images: Tensor, *others: Any) -> Tensor:
        given.append(images)
        return usual(self, images, *others)

    monkeypatch.setattr(ResNet, "training_loss", watched)
    begun(tmp_path).epoch()
    assert all(one is batch.made for one, batch in zip(given, seen, strict=True))


def test_an_interruption_after_any_epoch_changes_no_weight(tmp_path: Path) -> None:
    whole = trained(begun(tmp_path, "whole"))
    for _ in range(3):
        begun(tmp_path, "parts").epoch()
    assert same(trained(begun(tmp_path, "parts")), whole)


def test_rates_stay_until_they_fall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    step = torch.optim.SGD.step

    def watched(self: torch.optim.SGD, *given: object) -> object:
        rates.append(self.param_groups[0]["lr"])
        return step(self, *given)

    monkeypatch.setattr(torch.optim.SGD, "step", watched)
    trained(begun(tmp_path))
    assert rates == [0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05]


def test_of_what_executes_everything_no_share_is_told(tmp_path: Path) -> None:
    trainee = begun(tmp_path)
    trained(trainee)
    found = cache.facts(trainee._file)
    assert (found.network, found.share, found.spread) == ("small", None, None)
    assert found.accuracy > 0
    assert cache.claimed(trainee._file) == found
