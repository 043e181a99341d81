"""Which layers are pruned, and why others are left dense."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from adapters.base import UnsupportedSettings
from adapters.papers.mad.layers import layers_of
from tests.adapters.mad.networks import WORDS, Many, pictures

pytestmark = pytest.mark.usefixtures("one_thread")


class Twofold(nn.Linear):
    """A linear layer that works in a way of its own."""

    def forward(self, given: Tensor) -> Tensor:
        return 2 * super().forward(given)


class Renamed(nn.Linear):
    """One that works as any other."""


class Odd(nn.Module):
    """What looks as if it could be pruned, and can't; and two layers that can."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Conv2d(3, 4, 3)
        self.up = nn.ConvTranspose2d(4, 4, 3)
        self.line = nn.Conv1d(4, 4, 3)
        self.words = nn.Embedding(5, 4)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.normed = parametrizations.orthogonal(nn.Linear(4, 4))
        self.pruned = nn.Linear(4, 4)
        prune.l1_unstructured(self.pruned, "weight", 0.5)
        self.half_pruned = nn.Linear(4, 4)
        prune.l1_unstructured(self.half_pruned, "bias", 0.5)
        self.one, self.other = nn.Linear(4, 5, bias=False), nn.Linear(4, 5, bias=False)
        self.other.weight = self.one.weight
        self.tied = nn.Linear(4, 5)
        self.tied.weight = self.words.weight
        self.left, self.right = nn.Linear(4, 4), nn.Linear(4, 4)
        self.right.bias = self.left.bias
        self.by_keyword = nn.Linear(4, 4)
        self.twofold = Twofold(4, 4)
        self.idle = nn.Linear(4, 4)
        self.scale = nn.Parameter(torch.ones(4, 4))
        self.head = Renamed(4, 4)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        maps = self.line(self.up(self.body(images)).flatten(2)).transpose(1, 2)
        maps = maps + self.words(torch.tensor(1))
        maps = self.attention(maps, maps, maps)[0].mean(1) @ self.scale
        maps = self.half_pruned(self.pruned(self.normed(maps)))
        maps = self.right(self.left(maps)) + (self.one(maps) + self.other(maps)).sum()
        maps = maps + self.tied(maps).sum()
        logits: Tensor = self.head(self.twofold(self.by_keyword(input=maps)))
        return logits


REASONS = {
    "up.weight": "is a parameter of ConvTranspose2d",
    "line.weight": "is a parameter of Conv1d",
    "words.weight": "is a parameter of Embedding",
    "attention.in_proj_weight": "is a parameter of MultiheadAttention",
    "attention.out_proj.weight": "is not called in a forward pass",
    "normed.parametrizations.weight.original": "has a weight that is computed",
    "pruned.weight_orig": "has a weight that is computed",
    "half_pruned.weight": "has a bias that is computed",
    "one.weight": "shares its weight with other",
    "left.weight": "shares its bias with right",
    "right.weight": "shares its bias with left",
    "by_keyword.weight": "is called with something else than one tensor",
    "twofold.weight": "is a Twofold, which works in a way of its own",
    "idle.weight": "is not called in a forward pass",
    "scale": "is a parameter of Odd",
}


def test_what_can_not_be_pruned_stays_dense_and_says_why() -> None:
    found = layers_of(Odd(), pictures())
    assert [layer.name for layer in found.every] == ["body", "head"]
    assert set(found.dense) == set(REASONS)
    for name, why in REASONS.items():
        assert found.dense[name].startswith(why), name
    assert "\n" not in "".join(found.dense.values())


def test_layers_come_in_the_order_of_their_first_call_with_the_last_linear_one() -> None:
    found = layers_of(Many(), pictures())
    assert tuple(layer.name for layer in found.every) == WORDS
    assert found.dense == {}
    assert found.last is found.every[-1]
    body = nn.Sequential(nn.Conv2d(3, 4, 9), nn.Flatten())
    assert layers_of(body, pictures()).last is None


def test_a_layer_that_is_one_module_under_two_names_is_one() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(243, 243), nn.ReLU())
    network.append(network[1])
    found = layers_of(network, pictures())
    assert [layer.name for layer in found.every] == ["1"]
    assert found.dense == {}


def test_the_network_itself_may_be_the_layer() -> None:
    layer = nn.Conv2d(3, 4, 9)
    found = layers_of(layer, pictures())
    assert list(found.parameters) == ["weight", "bias"]


def test_a_matrix_has_a_column_for_the_bias_and_there_is_a_way_back() -> None:
    for layer in layers_of(Many(), pictures()).every:
        matrix = layer.weights()
        module = layer.module
        assert matrix.shape == (
            len(module.weight),
            module.weight[0].numel() + (module.bias is not None),
        )
        parts = layer.parts(matrix)
        assert list(parts) == list(layer.parameters)
        assert all(torch.equal(parts[name], value) for name, value in layer.parameters.items())


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (nn.Flatten(), "no convolution or linear layer that can be pruned$"),
        (
            nn.Sequential(nn.Flatten(), Twofold(243, 4)),
            "can be pruned: 1.weight is a Twofold, which works in a way of its own$",
        ),
    ],
)
def test_a_network_without_a_layer_is_refused_in_one_line(network: nn.Module, said: str) -> None:
    with pytest.raises(UnsupportedSettings, match=said) as raised:
        layers_of(network, pictures())
    assert "\n" not in str(raised.value)


def test_a_layer_of_zeros_is_refused_in_one_line() -> None:
    network = Many()
    nn.init.zeros_(network.bare.weight)
    with pytest.raises(
        UnsupportedSettings, match=r"^bare holds only zeros.*give --weights"
    ) as said:
        layers_of(network, pictures())
    assert "\n" not in str(said.value)
