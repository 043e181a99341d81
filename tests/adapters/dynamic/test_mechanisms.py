"""What the papers say of SkipNet, SACT and Shallow-Deep, each held against its own network."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from adapters.models.dynamic.blocks import CountedNetwork, Residual
from adapters.models.dynamic.sact import Sact
from adapters.models.dynamic.shallow_deep import ShallowDeep
from adapters.models.dynamic.skipnet import SkipNet
from tests.adapters.dynamic.small import IMAGES, build, close, operations, pictures

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("kind", [SkipNet, Sact, ShallowDeep])
def test_costs_are_those_of_the_images_at_hand(kind: type[CountedNetwork]) -> None:
    made = f"{kind.__module__}:{kind.__name__}"
    network = build(made)
    small = network.static_flops
    for side in (48, 68):
        images = pictures(side, 1)
        with torch.no_grad():
            told = network(images)
        assert told.flops[0] == operations(network, images)
        assert told.gates.shape[1] == len(network.gate_flops)
        assert network.static_flops > small
        assert network.static_flops == round(network.static_flops)
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
    for _ in range(15):
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
