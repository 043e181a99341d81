"""What every dynamic network promises."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest
import torch

from adapters.models.dynamic import base
from adapters.models.dynamic.base import Gated, hard
from adapters.models.dynamic.catalogue import NETWORKS
from tests.adapters.dynamic.small import IMAGES, MADE, build, close, operations, pictures

pytestmark = pytest.mark.usefixtures("one_thread")


class Tried:
    """A network, its images, and what comes out at thresholds of which some gates pass."""

    def __init__(self, made: str) -> None:
        self.made = made
        self.network = build(made)
        self.images = pictures(MADE[made])
        self.thresholds = (base.THRESHOLD, self._in_between(), 0.0, 1.1)

    def _in_between(self) -> float:
        """A gating value at which about half of the gates are on."""
        with torch.no_grad():
            gates = self.network(self.images).gates.flatten()
        return float((gates.median() + gates.min()) / 2)


@pytest.fixture(scope="module", params=MADE, ids=lambda made: str(made).rpartition(".")[2])
def tried(request: pytest.FixtureRequest) -> Tried:
    return Tried(request.param)


@pytest.fixture
def at_thresholds(tried: Tried, monkeypatch: pytest.MonkeyPatch) -> Iterator[float]:
    """The same network with all, some and no gates on."""
    module = importlib.import_module(type(tried.network).__module__)

    def each() -> Iterator[float]:
        for threshold in tried.thresholds:
            monkeypatch.setattr(base, "THRESHOLD", threshold)
            if hasattr(module, "THRESHOLD"):
                monkeypatch.setattr(module, "THRESHOLD", threshold)
            yield threshold

    return each()


def masked(tried: Tried) -> Gated:
    with torch.no_grad():
        found: Gated = tried.network(tried.images)
    return found


def skipped(tried: Tried) -> list[Gated]:
    with torch.no_grad():
        return [tried.network(image[None]) for image in tried.images]


def test_outputs_have_their_shapes(tried: Tried) -> None:
    gates = len(tried.network.gate_flops)
    for told, count in ((masked(tried), IMAGES), (skipped(tried)[0], 1)):
        assert told.logits.shape == (count, 10)
        assert told.gates.shape == (count, gates)
        assert told.flops.shape == (count,)
        assert told.flops.dtype == torch.float64
        if told.exits is not None:
            assert told.exits.shape[::2] == (count, 10)
            assert told.exits.shape[1] > 1


def test_gating_values_are_between_0_and_1(tried: Tried, at_thresholds: Iterator[float]) -> None:
    for _ in at_thresholds:
        gates = torch.cat([masked(tried).gates, *(told.gates for told in skipped(tried))])
        assert gates.ge(0).all()
        assert gates.le(1).all()


def test_one_image_is_as_in_a_batch(tried: Tried, at_thresholds: Iterator[float]) -> None:
    for threshold in at_thresholds:
        whole = masked(tried)
        for number, alone in enumerate(skipped(tried)):
            on = alone.gates >= threshold
            assert close(alone.logits[0], whole.logits[number])
            assert torch.equal(on[0], whole.gates[number] >= threshold)
            assert close(alone.gates[on], whole.gates[number][on[0]])
            assert alone.flops[0] == whole.flops[number]


def test_operations_are_those_that_pytorch_counts(
    tried: Tried, at_thresholds: Iterator[float]
) -> None:
    for _ in at_thresholds:
        told = masked(tried).flops[::3].tolist()
        assert told == [operations(tried.network, image[None]) for image in tried.images[::3]]


def test_more_gates_on_are_more_operations_up_to_the_static_network(
    tried: Tried, at_thresholds: Iterator[float]
) -> None:
    for threshold in at_thresholds:
        told = masked(tried)
        on = told.gates >= threshold
        every = on.all(dim=1)
        assert (told.flops[every] == tried.network.static_flops).all()
        assert (told.flops[~every] < tried.network.static_flops).all()
        # Units that share work may be cheaper together, but none is free.
        assert told.flops.min() >= tried.network.static_flops - tried.network.gate_flops.sum()


def test_gates_carry_gradients_to_each_image(tried: Tried) -> None:
    images = tried.images.clone().requires_grad_()
    gates = tried.network(images).gates
    (gradient,) = torch.autograd.grad(gates.sum(), images)
    assert gradient.flatten(1).abs().amax(dim=1).gt(0).all()


def test_images_of_a_batch_do_not_depend_on_each_other(tried: Tried) -> None:
    images = tried.images.clone().requires_grad_()
    told = tried.network(images)
    (gradient,) = torch.autograd.grad(told.gates[0].sum() + told.logits[0].sum(), images)
    assert gradient[0].abs().sum() > 0
    assert gradient[1:].abs().sum() == 0
    fewer = tried.network(tried.images[1:])
    assert close(fewer.logits, told.logits[1:])
    assert torch.equal(fewer.flops, told.flops[1:])


def test_a_seed_makes_the_same_network_again(tried: Tried) -> None:
    first, again, other = (build(tried.made, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_the_number_of_classes_is_the_users(tried: Tried) -> None:
    network = build(tried.made, classes=7)
    assert network(tried.images[:2]).logits.shape == (2, 7)
    with torch.no_grad():
        assert operations(network, tried.images[:1]) == network(tried.images[:1]).flops[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_each_stage_of_a_recipe_reaches_every_weight(name: str) -> None:
    known = NETWORKS[name]
    if known.made not in MADE:
        pytest.skip("its module is not here")
    images, labels = pictures(known.size), torch.arange(IMAGES)
    reached = set()
    for recipe in (known.digits, known.photographs):
        for stage in recipe.stages:
            network = build(known.made).train()
            loss = network.training_loss(images, labels, {**stage.settings, "share": 0.5})
            assert loss.shape == ()
            assert loss.isfinite()
            loss.backward()
            reached |= {name for name, p in network.named_parameters() if p.grad is not None}
    assert reached == {name for name, _ in build(known.made).named_parameters()}


def test_a_hard_gate_is_exactly_0_or_1_and_passes_its_gradient() -> None:
    values = torch.linspace(0, 1, 101, requires_grad=True)
    on = hard(values)
    assert set(on.tolist()) == {0.0, 1.0}
    assert torch.equal(on, (values >= 0.5).float())
    (gradient,) = torch.autograd.grad(on.sum(), values)
    assert gradient.eq(1).all()
