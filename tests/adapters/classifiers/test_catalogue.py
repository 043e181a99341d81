"""The classifiers' recipes: those of Dhillon et al. 2018, section 4.1, for photographs."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from adapters import data
from adapters.models import catalogue as models
from adapters.models.classifiers.catalogue import NETWORKS
from adapters.models.trained import cache, catalogue
from adapters.models.trained.training import MOMENTUM

DIGITS = data.facts("digits")
CIFAR = replace(DIGITS, name="cifar10", images=50_000)
RATES = {
    "resnet20": [(0.5, 100), (0.05, 30), (0.005, 20)],
    "resnet20_dropout_10": [(0.5, 100), (0.05, 50), (0.005, 40), (5e-4, 30), (5e-5, 30)],
    "resnet20_dropout_30": [(0.5, 100), (0.05, 50), (0.005, 40), (5e-4, 30), (5e-5, 30)],
    "resnet20_adversarial": [(0.5 / 2**halved, 10) for halved in range(10)],
}


@pytest.mark.parametrize("name", RATES)
def test_rates_fall_at_the_published_epochs(name: str) -> None:
    recipe = cache.recipe(name, CIFAR)
    (stage,) = recipe.stages
    assert stage.falls is not None
    rates = [round(stage.rate * stage.falls.share(epoch), 9) for epoch in range(stage.epochs)]
    found = [(rate, len(list(same))) for rate, same in itertools.groupby(rates)]
    assert found == [(round(rate, 9), epochs) for rate, epochs in RATES[name]]
    assert (stage.optimizer, MOMENTUM, stage.weight_decay) == ("sgd", 0.9, 1e-4)
    assert recipe.batch == 512


def test_one_network_is_trained_on_adversarial_images() -> None:
    found = {name: cache.recipe(name, CIFAR).mixture for name in NETWORKS}
    mixture = found.pop("resnet20_adversarial")
    assert mixture is not None
    assert (mixture.share, mixture.strength) == (0.2, 2)
    assert set(found.values()) == {None}
    clean = cache.recipe("resnet20_adversarial", CIFAR, adversarial=0.0)
    assert clean.mixture is None


def test_digits_are_shown_smaller_and_that_makes_other_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = NETWORKS["resnet20"]
    assert (row.side(DIGITS), row.side(CIFAR), row.size) == (16, 32, 32)
    small, photographs = (cache.digest("resnet20", known, 10, 0) for known in (DIGITS, CIFAR))
    monkeypatch.setitem(NETWORKS, "resnet20", replace(row, digits_size=None))
    assert cache.digest("resnet20", DIGITS, 10, 0) != small
    assert cache.digest("resnet20", CIFAR, 10, 0) == photographs


def test_no_two_families_share_a_name_and_all_are_models() -> None:
    known = catalogue.networks()
    families = [catalogue.family(path) for path in catalogue.FAMILIES]
    assert len(known) == sum(map(len, families))
    assert set(known) <= set(models.names())
    assert all(models.is_known(name) for name in known)
