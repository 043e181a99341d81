"""Every defence: what it does to a network, that it is undone, and what it refuses."""

from __future__ import annotations

import copy
import math
import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from adapters.base import UnsupportedSettings
from adapters.papers.sap import defended, methods, sap
from adapters.papers.sap.changes import change
from adapters.papers.sap.defending import Defended, changed_weights
from semibackward import semi_backward
from tests.adapters.sap.networks import LABELS, Tiny, pictures
from tests.places import ROOT

pytestmark = pytest.mark.usefixtures("one_thread")

SPECS = [*methods.examples(), "sap-100-fast", "swp-100-fast"]
DRAWN = [spec for spec in SPECS if methods.parse(spec).method.drawn]


def changed(spec: str, tensor: Tensor) -> Tensor:
    made = change(methods.parse(spec), torch.Generator().manual_seed(0))(tensor)
    assert made.shape == tensor.shape
    assert made.dtype == tensor.dtype
    return made


@pytest.mark.parametrize("spec", SPECS)
def test_a_block_defends_and_is_undone(spec: str) -> None:
    network = Tiny()
    state = copy.deepcopy(network.state_dict())
    parameters = list(network.parameters())
    dense = network(pictures())
    with defended(network, spec) as same:
        assert same is network
        assert torch.equal(network(pictures()), dense) == (spec == "dense")
        assert torch.equal(network(pictures()), network(pictures())) == (spec not in DRAWN)
    assert torch.equal(network(pictures()), dense)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert all(map(lambda a, b: a is b, parameters, network.parameters()))
    assert "forward" not in vars(network)


@pytest.mark.parametrize("spec", SPECS)
def test_an_exception_leaves_the_model_as_it_was(spec: str) -> None:
    network = Tiny()
    dense = network(pictures())
    with pytest.raises(RuntimeError), defended(network, spec):
        network(torch.rand(3, 2, 8, 8))  # two channels, where the first layer takes three
    assert torch.equal(network(pictures()), dense)
    attacked = Defended(network, spec)
    with pytest.raises(RuntimeError):
        attacked(torch.rand(3, 2, 8, 8))
    assert torch.equal(network(pictures()), dense)
    assert torch.equal(torch.relu(-pictures()), torch.zeros_like(pictures()))


@pytest.mark.parametrize("spec", SPECS)
def test_gradients_reach_images_and_the_networks_own_parameters(spec: str) -> None:
    attacked = Defended(Tiny(), spec)
    images = pictures().requires_grad_(True)
    attacked(images).logsumexp(1).sum().backward()
    assert images.grad is not None
    assert bool(images.grad.any())
    assert all(parameter.grad is not None for parameter in attacked.model.parameters())
    assert attacked.relus == (2 if methods.parse(spec).method.place == "activations" else 0)


@pytest.mark.parametrize("order", ["frozen inside", "frozen outside"])
@pytest.mark.parametrize("spec", SPECS)
def test_frozen_parameters_change_no_bit(spec: str, order: str) -> None:
    network = Tiny()

    def follow() -> tuple[Tensor, Tensor]:
        torch.manual_seed(1)
        images = pictures().requires_grad_(True)
        loss = nn.functional.cross_entropy(network(images), LABELS)
        loss.backward()
        assert images.grad is not None
        return loss.detach(), images.grad

    with defended(network, spec):
        loss, found = follow()
    assert network.stem.weight.grad is not None
    network.zero_grad(set_to_none=True)
    first, second = defended(network, spec), semi_backward(network)
    if order == "frozen outside":
        with second, first:
            frozen_loss, frozen = follow()
    else:
        with first, second:
            frozen_loss, frozen = follow()
    assert torch.equal(frozen_loss, loss)
    assert torch.equal(frozen, found)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("spec", ["sap-100", "swp-100"])
def test_one_network_has_one_defence_at_a_time(spec: str) -> None:
    network = nn.Sequential(Tiny())
    with defended(network, spec):
        with pytest.raises(UnsupportedSettings, match=f"has a defence, {spec}; leave"):
            Defended(network, "dropout-0.1")
        network(pictures())
    with (
        pytest.raises(UnsupportedSettings, match=f"has a defence, {spec}"),
        sap(Defended(network, spec)),
    ):
        pass
    with sap(network), sap(network[0]), pytest.raises(UnsupportedSettings, match="inside another"):
        network(pictures())


def test_a_copy_made_inside_stays_defended_with_its_own_parameters() -> None:
    network = Tiny()
    with sap(network):
        copied = copy.deepcopy(network)
    assert not torch.equal(copied(pictures()), copied(pictures()))
    nn.init.zeros_(copied.head.weight)
    assert torch.equal(copied(pictures()), copied.head.bias.expand(3, -1))
    assert bool(network.head.weight.any())


def test_a_defended_network_can_be_copied() -> None:
    attacked = Defended(Tiny(), "sap-100")
    copied = copy.deepcopy(attacked)
    copied(pictures()).sum().backward()
    assert copied.relus == 2
    assert attacked.relus == 0
    assert all(parameter.grad is None for parameter in attacked.parameters())


def test_a_generator_of_ones_own_decides() -> None:
    network = Tiny()
    found = []
    for _ in range(2):
        with sap(network, generator=torch.Generator().manual_seed(7)):
            found.append(network(pictures()))
    assert torch.equal(*found)


def test_noise_is_added_and_factors_are_drawn_around_one() -> None:
    ones = torch.ones(40_000)
    for spec, deviation in (("rnw-0.01", 0.01), ("rna-0.1", 0.1), ("rsw-0.1", 0.1)):
        found = changed(spec, 3 * ones) - 3
        size = deviation * (3 if spec.startswith("rs") else 1)
        assert abs(float(found.mean())) < 4.5 * size / 200
        assert float(found.std()) == pytest.approx(size, rel=0.03)
    assert torch.equal(changed("rsa-0.1", 0 * ones), 0 * ones)


def test_dropout_drops_at_its_rate_in_any_mode_and_keeps_the_mean() -> None:
    found = changed("dropout-0.1", torch.ones(1, 40_000))
    dropped = float((found == 0).double().mean())
    assert dropped == pytest.approx(0.1, abs=0.0075)
    assert bool(((found == 0) | ((found - 1 / 0.9).abs() < 1e-6)).all())
    assert not bool(changed("dropout-1", torch.ones(1, 9)).any())


def test_the_largest_weights_are_kept() -> None:
    weight = torch.tensor([[0.5, -4.0], [1.0, 0.0], [-2.0, 3.0]]).half()
    found = changed("dwp-50", weight)
    assert torch.equal(found, torch.tensor([[0, -4.0], [0, 0], [-2.0, 3.0]]).half())


def test_weights_are_drawn_by_their_size_from_a_whole_tensor() -> None:
    weight = torch.zeros(4, 4)
    weight[0, 1], weight[3, 2] = -3.0, 1.0
    draws = change(methods.parse("swp-6.25"), torch.Generator().manual_seed(0))  # one draw of 16
    made = torch.stack([draws(weight) for _ in range(400)])
    assert bool(((made != 0).sum((1, 2)) == 1).all())
    assert float((made[:, 0, 1] == -4).double().mean()) == pytest.approx(0.75, abs=0.1)
    assert float((made[:, 3, 2] == 4).double().mean()) == pytest.approx(0.25, abs=0.1)


class Tied(nn.Module):
    """An embedding whose weight is the last layer's too, and a recurrent layer between."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(6, 5)
        self.recurrent = nn.GRU(5, 5, batch_first=True)
        self.last = nn.Linear(5, 6)
        self.last.weight = self.words.weight

    def forward(self, ids: Tensor) -> Tensor:
        logits: Tensor = self.last(self.recurrent(self.words(ids))[0])
        return logits


def test_a_shared_weight_is_changed_once_and_a_recurrent_layer_reads_what_is_changed() -> None:
    network = Tied()
    ids = torch.tensor([[1, 2, 3]])
    before = network(ids)
    with changed_weights(network, lambda weight: weight * 0):
        assert network.words.weight is network.last.weight
        assert torch.equal(network(ids), network.last.bias.expand(1, 3, -1))
        hidden = network.recurrent(torch.rand(1, 2, 5))[0]
        assert torch.equal(hidden, network.recurrent(torch.rand(1, 2, 5))[0])
    assert torch.equal(network(ids), before)


@pytest.mark.parametrize("percent", [0, -3, math.nan, math.inf, True, "100", None, 1e9])
def test_percent_is_refused_in_one_line(percent: float) -> None:
    said = r"percent of the entries must be a number above 0 and at most 100,000, not"
    with pytest.raises(UnsupportedSettings, match=said) as refused:
        sap(Tiny(), percent)
    assert "\n" not in str(refused.value)


def test_what_is_no_model_or_has_no_weights_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"a defence changes torch\.nn\.Module objects, not 'resnet'"
    ):
        Defended("resnet", "sap-100")  # type: ignore[arg-type]
    with pytest.raises(UnsupportedSettings, match="no weight of 2 or more"):
        Defended(nn.ReLU(), "rnw-0.01")(pictures())
    with pytest.raises(UnsupportedSettings, match="unknown defence"):
        Defended(Tiny(), "spa-100")


def test_importing_the_package_imports_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; import adapters.papers.sap as package;"
        "import adapters.papers.sap.methods, adapters.papers.sap.adapter; assert package.__all__"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
