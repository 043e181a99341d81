"""The networks that Lee et al. 2022 prune, and small ones of their families for digits."""

from __future__ import annotations

import functools
from dataclasses import replace

import pytest
import torch
from torch import nn

from adapters import data
from adapters.models.classifiers.catalogue import NETWORKS
from adapters.models.classifiers.vgg import Vgg
from adapters.models.classifiers.wide import Unit, WideResNet
from adapters.models.trained import building, cache
from adapters.models.trained.base import Classifier

pytestmark = pytest.mark.usefixtures("one_thread")

DIGITS = data.facts("digits")
CIFAR = replace(DIGITS, name="cifar10", images=50_000)
PRUNED = tuple(name for name in NETWORKS if name.startswith("mad_"))
SMALL = tuple(name for name in PRUNED if name.endswith("_small"))


@functools.cache
def on_meta(name: str) -> nn.Module:
    """One without weights: the wide one has 36.5 million."""
    with torch.device("meta"):
        return building.build(name, 10, seed=0)


def test_there_are_three_and_a_small_one_of_each() -> None:
    large = {"mad_vgg16", "mad_resnet18", "mad_wrn_28_10"}
    assert set(PRUNED) - large == set(SMALL)
    assert len(SMALL) == 3


@pytest.mark.parametrize(
    ("name", "convolutions", "parameters"),
    [
        ("mad_vgg16", 13, 14_710_464 + 2 * 4_224 + 5_130),
        ("mad_resnet18", 1 + 16 + 3, 11_173_962),
        ("mad_wrn_28_10", 1 + 24 + 3, 36_479_194),
    ],
)
def test_each_has_the_layers_of_the_authors_code(
    name: str, convolutions: int, parameters: int
) -> None:
    network = on_meta(name)
    found = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert len(found) == convolutions
    assert not any(module.bias is not None for module in found)
    assert sum(isinstance(module, nn.Linear) for module in network.modules()) == 1
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


@pytest.mark.parametrize("name", PRUNED)
def test_what_leaves_a_relu_is_not_what_came_in(name: str) -> None:
    relus = [module for module in on_meta(name).modules() if isinstance(module, nn.ReLU)]
    assert relus
    assert not any(module.inplace for module in relus)


def test_a_vgg_pools_between_its_groups() -> None:
    kinds = [type(module) for module in on_meta("mad_vgg16").get_submodule("features").children()]
    pooled = [kinds[:place].count(nn.Conv2d) for place, k in enumerate(kinds) if k is nn.MaxPool2d]
    assert pooled == [2, 4, 7, 10]
    assert kinds[-3:] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("side", [16, 32, 64])
def test_one_class_serves_images_of_any_size(name: str, side: int) -> None:
    network = building.build(name, 7, seed=0, size=side)
    assert isinstance(network, Classifier)
    with torch.no_grad():
        assert network(torch.rand(2, 3, side, side)).shape == (2, 7)


@pytest.mark.parametrize("name", PRUNED)
def test_they_are_trained_on_adversarial_images(name: str) -> None:
    row = NETWORKS[name]
    small = name.endswith("_small")
    assert (row.side(DIGITS), row.side(CIFAR)) == (16 if small else 32, 32)
    assert cache.recipe(name, DIGITS).adversarial == DIGITS.eps
    recipe = cache.recipe(name, CIFAR)
    (stage,) = recipe.stages
    assert stage.falls is not None
    rates = [round(stage.rate * stage.falls.share(epoch), 9) for epoch in range(stage.epochs)]
    assert rates == [0.1] * 30 + [0.01] * 15 + [0.001] * 15
    assert (recipe.batch, recipe.adversarial, stage.weight_decay) == (128, 0.03, 2e-4)


def test_a_units_shortcut_begins_behind_the_first_relu_where_the_shape_changes() -> None:
    features = torch.randn(2, 4, 6, 6)
    changing, same = Unit(4, 8, 2, 0.0).eval(), Unit(4, 4, 1, 0.0).eval()
    with torch.no_grad():
        for unit in (changing, same):
            unit.conv2.weight.zero_()
        assert changing.shortcut is not None
        wanted = changing.shortcut(changing.relu1(changing.norm1(features)))
        assert torch.equal(changing(features), wanted)
        assert torch.equal(same(features), features)


def test_what_is_no_network_is_refused() -> None:
    for widths, units in (((4,), (1, 1)), ((), ()), ((4, 0), (1, 1))):
        with pytest.raises(ValueError, match="widths"):
            Vgg(10, widths=widths, units=units)
    with pytest.raises(ValueError, match="dropout 1"):
        WideResNet(10, units=1, width=1, dropout=1.0)
