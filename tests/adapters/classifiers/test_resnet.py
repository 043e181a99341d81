"""ResNet-20 as He et al. 2016 have it, and dropout that is for training alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from adapters.base import UnsupportedSettings
from adapters.models.classifiers.catalogue import NETWORKS
from adapters.models.classifiers.resnet import Block, ResNet
from adapters.models.trained import building

pytestmark = pytest.mark.usefixtures("one_thread")

IMAGES = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def small(dropout: float = 0.0) -> ResNet:
    torch.manual_seed(0)
    return ResNet(10, units=1, width=4, dropout=dropout)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name.startswith("resnet20")])
def test_it_has_twenty_layers_and_the_published_number_of_parameters(name: str) -> None:
    """He et al. 2016, table 6: 0.27 million."""
    network = building.build(name, 10, seed=0)
    kinds = [type(module) for module in network.modules()]
    assert kinds.count(nn.Conv2d) + kinds.count(nn.Linear) == 20
    assert kinds.count(nn.ReLU) == 19
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 2) == 0.27


def test_three_stages_halve_the_size_and_double_the_channels() -> None:
    shapes = []
    network = building.build("resnet20", 10, seed=0)
    for block in network.get_submodule("blocks").children():
        block.register_forward_hook(lambda _block, _given, made: shapes.append(made.shape[1:]))
    with torch.no_grad():
        assert network(torch.rand(1, 3, 32, 32)).shape == (1, 10)
    assert shapes == [(16, 32, 32)] * 3 + [(32, 16, 16)] * 3 + [(64, 8, 8)] * 3


def test_a_shortcut_takes_every_second_place_and_adds_zeros() -> None:
    features = torch.rand(2, 3, 6, 6)
    around = Block(3, 6, 2, 0.0).shortcut(features)
    assert torch.equal(around[:, :3], features[:, :, ::2, ::2])
    assert around.shape == (2, 6, 3, 3)
    assert not around[:, 3:].any()
    assert Block(3, 3, 1, 0.0).shortcut(features) is features


def test_a_projected_shortcut_is_a_convolution_where_the_shape_changes() -> None:
    features = torch.rand(2, 3, 6, 6)
    block = Block(3, 6, 2, 0.0, projected=True).eval()
    assert block.projection is not None
    assert torch.equal(block.shortcut(features), block.projection(features))
    assert block.shortcut(features).shape == (2, 6, 3, 3)
    assert Block(3, 3, 1, 0.0, projected=True).projection is None


def test_what_was_trained_before_shortcuts_could_be_projected_still_fits() -> None:
    """Names of the state dict, and the weights that a seed makes."""
    state = building.build("resnet20", 10, seed=0).state_dict()
    assert len(state) == 116
    assert float(sum(value.double().abs().sum() for value in state.values())) == pytest.approx(
        15654.065133790002, abs=1e-6
    )


def test_dropout_drops_in_training_alone() -> None:
    dropping, plain = small(dropout=0.3), small()
    assert dropping.state_dict().keys() == plain.state_dict().keys()
    assert sum(isinstance(module, nn.Dropout) for module in dropping.modules()) == 7
    with torch.no_grad():
        assert not torch.equal(dropping.train()(IMAGES), dropping(IMAGES))
        assert torch.equal(plain.train()(IMAGES), plain(IMAGES))
        dropping.load_state_dict(plain.state_dict())
        random = torch.get_rng_state()
        assert torch.equal(dropping.eval()(IMAGES), plain.eval()(IMAGES))
    assert torch.equal(torch.get_rng_state(), random)


def test_it_is_trained_on_cross_entropy_and_executes_everything() -> None:
    network, labels = small().eval(), torch.tensor([1, 2, 3])
    logits, share = network.judged(IMAGES)
    assert share is None
    wanted = nn.CrossEntropyLoss()(logits, labels)
    assert torch.equal(network.training_loss(IMAGES, labels, {"share": 0.5}), wanted)


def test_what_is_no_network_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="dropout 1"):
        ResNet(10, dropout=1.0)
    monkeypatch.setitem(NETWORKS["resnet20"].arguments, "units", 0)
    with pytest.raises(UnsupportedSettings, match="resnet20 can't be built: units 0"):
        building.build("resnet20", 10, seed=0)
