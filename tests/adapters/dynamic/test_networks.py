"""What every dynamic network promises, and what each paper says of its own."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from adapters.models.dynamic import base
from adapters.models.dynamic.base import DynamicNetwork, Gated, hard
from adapters.models.dynamic.blocks import CountedNetwork, Residual
from adapters.models.dynamic.catalogue import NETWORKS
from adapters.models.dynamic.sact import Sact
from adapters.models.dynamic.shallow_deep import ShallowDeep
from adapters.models.dynamic.skipnet import SkipNet

IMAGES = 4
TINY: Mapping[str, Mapping[str, Any]] = {
    "skipnet:SkipNet": {"widths": (4, 8), "units": (2, 3)},
    "sact:Sact": {"widths": (4, 8), "units": (3, 3)},
    "shallow_deep:ShallowDeep": {"widths": (4, 8), "units": (2, 2), "exits": (1, 2, 3)},
}
"""Arguments that make a small network of a class; without a row it is as it is by default."""

MADE = {
    network.made: network.size
    for network in NETWORKS.values()
    if importlib.util.find_spec(network.made.partition(":")[0]) is not None
}
"""Every class, with the side of its images."""

pytestmark = pytest.mark.usefixtures("one_thread")


def class_of(made: str) -> Callable[..., DynamicNetwork]:
    module, _, name = made.partition(":")
    found: Callable[..., DynamicNetwork] = getattr(importlib.import_module(module), name)
    return found


def build(made: str, seed: int = 0, classes: int = 10) -> DynamicNetwork:
    torch.manual_seed(seed)
    tiny = TINY.get(made.rpartition(".")[2], {})
    return class_of(made)(classes=classes, **tiny).eval()


def pictures(side: int, count: int = IMAGES) -> Tensor:
    """Some of which are flat, some not, so that gates find a difference."""
    generator = torch.Generator().manual_seed(3)
    contrast = torch.linspace(0.1, 1, count)[:, None, None, None]
    return 0.5 + contrast * (torch.rand(count, 3, side, side, generator=generator) - 0.5)


def operations(network: DynamicNetwork, images: Tensor) -> int:
    """As PyTorch counts them."""
    counting = pytest.importorskip("torch.utils.flop_counter")
    with torch.no_grad(), counting.FlopCounterMode(display=False) as counter:
        network(images)
    counted: int = counter.get_total_flops()
    return counted


def close(found: Tensor, expected: Tensor) -> bool:
    """The same to rounding; without what `torch.testing` imports, which takes a second."""
    return found.shape == expected.shape and torch.allclose(found, expected, atol=1e-4, rtol=1e-4)


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
        told = masked(tried).flops.tolist()
        assert told == [operations(tried.network, image[None]) for image in tried.images]


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


@pytest.mark.parametrize("kind", [SkipNet, Sact, ShallowDeep])
def test_costs_are_those_of_the_images_at_hand(kind: type[CountedNetwork]) -> None:
    made = f"{kind.__module__}:{kind.__name__}"
    network = build(made)
    small = network.static_flops
    for side in (48, 64):
        images = pictures(side, 1)
        with torch.no_grad():
            told = network(images)
        assert told.flops[0] == operations(network, images)
        assert told.gates.shape[1] == len(network.gate_flops)
        assert network.static_flops > small
    network(pictures(32))
    assert network.static_flops == small


def test_costs_keep_their_precision_when_a_network_is_cast() -> None:
    network = build("adapters.models.dynamic.skipnet:SkipNet")
    told = network(pictures(32)).flops
    assert torch.equal(network.half().float()(pictures(32)).flops, told)


def first_units(network: Sact) -> Any:
    """The group of the highest resolution."""
    return network.groups[0]


def test_a_skipped_block_leaves_the_features_to_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = build("adapters.models.dynamic.skipnet:SkipNet")
    assert isinstance(network, SkipNet)
    monkeypatch.setattr("adapters.models.dynamic.base.THRESHOLD", 1.1)
    images = pictures(32)
    first, _, third, *_ = (block for block in network.blocks if isinstance(block, Residual))
    around = third.shortcut(first(network.stem(images), network.stem(images)))
    assert close(network(images).logits, network.head(around.mean(dim=(2, 3))))


def test_reward_for_skipping_closes_gates() -> None:
    network = build("adapters.models.dynamic.skipnet:SkipNet").train()
    images, labels = pictures(16, 32), torch.zeros(32, dtype=torch.long)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    before = network(images).gates.mean()
    for _ in range(20):
        loss = network.training_loss(images, labels, {"alpha": 50.0, "reinforcement": 1.0})
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert network(images).gates.mean() < before - 0.1


def test_a_penalty_brings_gates_to_their_target() -> None:
    network = build("adapters.models.dynamic.skipnet:SkipNet").train()
    images, labels = pictures(16, 32), torch.zeros(32, dtype=torch.long)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    for _ in range(30):
        loss = network.training_loss(images, labels, {"penalty": 20.0, "target": 0.25})
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    on = (network(images).gates >= 0.5).float().mean()
    assert 0.05 < on < 0.6


def scores(network: Sact, value: float) -> None:
    """Every halting score is the same at every position."""
    for name, parameter in network.named_parameters():
        if "score" in name:
            parameter.data.zero_()
            if name.endswith("local.bias"):
                parameter.data.fill_(torch.logit(torch.tensor(value)).item())


@pytest.mark.parametrize(
    ("score", "units", "ponder"),
    [
        (0.001, 3, 3 + 1 - 0.002),  # all three units, and what two scores leave to 1
        (0.6, 2, 2 + 0.4),  # 0.6 + 0.6 is over 0.99
        (0.995, 1, 1 + 1),  # halted at once: the remainder of a first unit is 1
    ],
)
def test_a_position_takes_units_until_its_scores_are_1(
    score: float, units: int, ponder: float
) -> None:
    network = build("adapters.models.dynamic.sact:Sact")
    assert isinstance(network, Sact)
    scores(network, score)
    _, gates, _, cost = network._run(pictures(32))
    for later in gates.split([64, 64, 16, 16], dim=1)[:2]:
        assert later.unique().numel() == 1
    assert [bool(g[0, 0] >= 0.5) for g in gates.split([64, 64, 16, 16], dim=1)] == [
        units > 1,
        units > 2,
    ] * 2
    assert close(cost, torch.full((IMAGES,), 2.0 * ponder))


def test_the_mean_of_units_is_weighted_by_the_halting_distribution() -> None:
    network = build("adapters.models.dynamic.sact:Sact")
    assert isinstance(network, Sact)
    scores(network, 0.6)
    features = network.stem(pictures(32))
    group = first_units(network)
    first = group.units[0](features)
    second = group.units[1](first)
    assert close(group(features, False).features, 0.6 * first + 0.4 * second)


def test_no_more_is_computed_than_next_to_active_positions() -> None:
    network = build("adapters.models.dynamic.sact:Sact")
    assert isinstance(network, Sact)
    unit = first_units(network).units[1]
    active = torch.zeros(1, 1, 8, 8)
    active[..., 0, 0] = active[..., 4, 5] = 1
    features = torch.rand(1, 4, 8, 8)
    with torch.no_grad():
        there = unit.residual_at(features, active)
        assert close(there, active * unit.residual(features))
        counting = pytest.importorskip("torch.utils.flop_counter")
        with counting.FlopCounterMode(display=False) as counter:
            unit.residual_at(features, active)
    weights = 9 * 4 * 4
    assert counter.get_total_flops() == 2 * weights * (4 + 9) + 2 * weights * 2


def test_the_gate_behind_an_exit_is_half_where_its_confidence_is_the_threshold() -> None:
    network = ShallowDeep(widths=(4,), units=(2,), exits=(1,), confidence=0.5)
    even = torch.tensor([[0.0, 0.0], [30.0, 0.0], [0.1, 0.0]])
    half, sure, above = network._gate(even, []).tolist()
    assert half == 0.5
    assert sure < 1e-6
    assert above < 0.5
    assert network._gate(even, [torch.tensor([0.2, 0.9, 0.1])])[0] == torch.tensor(0.2)


def test_an_image_leaves_at_the_first_confident_exit() -> None:
    network = build("adapters.models.dynamic.shallow_deep:ShallowDeep")
    assert isinstance(network, ShallowDeep)
    images = pictures(32)
    with torch.no_grad():
        told = network(images)
        network.confidence = float(told.exits[:, 0].softmax(dim=1).amax(dim=1).median()) + 1e-6
        told = network(images)
        confident = told.exits.softmax(dim=2).amax(dim=2) > network.confidence
        confident[:, -1] = True
        first = confident.int().argmax(dim=1)
        assert len(first.unique()) > 1
        assert torch.equal(told.logits, told.exits[torch.arange(IMAGES), first])
        assert torch.equal((told.gates >= 0.5).sum(dim=1), first)


def test_internal_exits_weigh_more_as_training_goes_on() -> None:
    network = build("adapters.models.dynamic.shallow_deep:ShallowDeep").train()
    images, labels = pictures(32), torch.arange(IMAGES)
    losses = [
        network.training_loss(images, labels, {"share": share}).item() for share in (0.0, 0.5, 1.0)
    ]
    assert losses == sorted(losses)
    assert losses[1] - losses[0] == pytest.approx(losses[2] - losses[1], rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"exits": (3, 1)}, r"exits \(3, 1\): give rising numbers, from 1 to 8"),
        ({"exits": (9,)}, "from 1 to 8"),
        ({"confidence": 1.0}, "confidence 1.0: give one above 0 and below 1"),
        ({"units": (1, 1)}, "give one of each"),
    ],
)
def test_a_network_that_cannot_be_is_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ShallowDeep(**arguments)
