"""Which weights go, how many of them, and that they stay at zero."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from adapters.base import UnsupportedSettings
from adapters.papers.mad.finetuning import learning_rate, optimizer_of
from adapters.papers.mad.layers import Layers, layers_of
from adapters.papers.mad.methods import CRITERIA, Criterion, pruned_of
from adapters.papers.mad.pruning import HeldSGD, Kept, kept_of, put_on, sparsity
from tests.adapters.mad.networks import LABELS, Many, pictures

pytestmark = pytest.mark.usefixtures("one_thread")

EVERY = pytest.mark.parametrize("criterion", CRITERIA)


def chosen(criterion: Criterion, percent: float, seed: int = 0) -> tuple[Layers, Kept]:
    """Layers of a network, and what stays of them by drawn saliency."""
    layers = layers_of(Many(), pictures())
    return layers, kept_of(layers, criterion, percent, drawn(layers), seed)


def drawn(layers: Layers) -> list[Tensor]:
    """Saliency of each layer, of either sign."""
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(layer.weights().shape, generator=generator) for layer in layers.every]


def gone(layers: Layers, kept: Kept) -> list[Tensor]:
    """Of each layer's matrix, what goes."""
    return [~layer.matrix(kept) for layer in layers.every]


def pruned(percent: float = 0.6) -> tuple[Many, Kept]:
    network = Many()
    layers = layers_of(network, pictures())
    kept = kept_of(layers, "magnitude", percent, drawn(layers), seed=0)
    put_on(network, kept)
    return network, kept


@EVERY
@pytest.mark.parametrize("percent", [0.01, 0.3, 0.5, 0.9, 0.99])
def test_so_many_go_of_all_layers_and_of_each_row_of_the_last(
    criterion: Criterion, percent: float
) -> None:
    layers, kept = chosen(criterion, percent)
    *others, last = gone(layers, kept)
    count = sum(one.numel() for one in others)
    assert sum(int(one.sum()) for one in others) == pruned_of(percent, count)
    assert last.sum(1).tolist() == [pruned_of(percent, last.shape[1])] * len(last)
    told = sparsity(layers, kept)
    assert list(told) == [layer.name for layer in layers.every]
    assert list(told.values()) == [
        (one.numel(), one.numel() - int(one.sum())) for one in [*others, last]
    ]


def test_what_goes_is_the_lowest_and_by_largest_the_other_end() -> None:
    layers, kept = chosen("mad", 0.3)
    _, others = chosen("largest", 0.3)
    saliency = drawn(layers)

    def ends(parts: Sequence[Tensor], out: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        values = torch.cat([part.flatten() for part in parts])
        mask = torch.cat([part.flatten() for part in out])
        return values[mask], values[~mask]

    for chosen_by, sign in ((kept, 1), (others, -1)):
        *pooled, last = gone(layers, chosen_by)
        *scores, last_scores = [sign * one for one in saliency]
        rows = zip(last_scores, last, strict=True)
        for low, high in (ends(scores, pooled), *(ends([one], [out]) for one, out in rows)):
            assert low.max() < high.min()


def test_by_magnitude_the_smallest_weights_go() -> None:
    layers, kept = chosen("magnitude", 0.5)
    weights = torch.cat([layer.weights().abs().flatten() for layer in layers.every[:-1]])
    out = torch.cat([one.flatten() for one in gone(layers, kept)[:-1]])
    assert weights[out].max() <= weights[~out].min()


def test_drawn_ones_repeat_by_their_seed_and_heed_no_other() -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    _, kept = chosen("random", 0.5, seed=3)
    torch.rand(5)
    _, same = chosen("random", 0.5, seed=3)
    _, other = chosen("random", 0.5, seed=4)
    assert all(torch.equal(kept[name], same[name]) for name in kept)
    assert any(not torch.equal(kept[name], other[name]) for name in kept)
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)


def test_of_equals_the_first_go() -> None:
    layers = layers_of(Many(), pictures())
    kept = kept_of(layers, "mad", 0.5, [torch.zeros_like(one) for one in drawn(layers)], seed=0)
    *others, last = gone(layers, kept)
    pooled = torch.cat([one.flatten() for one in others])
    for row in [pooled, *last]:
        assert torch.equal(row, torch.arange(len(row)) < pruned_of(0.5, len(row)))


@pytest.mark.parametrize("percent", [0.0, 1.0, -0.1, 1.5, math.nan, math.inf])
def test_a_share_that_is_none_is_refused_in_one_line(percent: float) -> None:
    with pytest.raises(UnsupportedSettings, match="give a share between 0 and 1") as said:
        chosen("magnitude", percent)
    assert f"{percent:g}" in str(said.value)
    assert "\n" not in str(said.value)


def test_one_layer_alone_is_pruned_too() -> None:
    for network, row in (
        (nn.Sequential(nn.Flatten(), nn.Linear(243, 4)), 244),
        (nn.Sequential(nn.Conv2d(3, 4, 9), nn.Flatten()), 4 * 244),
    ):
        layers = layers_of(network, pictures())
        kept = kept_of(layers, "magnitude", 0.5, [], seed=0)
        counts = gone(layers, kept)[0].view(-1, row).sum(1)
        assert counts.tolist() == [pruned_of(0.5, row)] * len(counts)


@given(percent=st.decimals("0.001", "0.999", places=3), count=st.integers(0, 10**9))
def test_a_share_is_of_decimals_and_rounded_down(percent: object, count: int) -> None:
    share = Fraction(str(percent))
    assert pruned_of(float(share), count) == math.floor(share * count)


@settings(max_examples=40, deadline=None)
@given(
    widths=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    percent=st.decimals("0.01", "0.99", places=2).map(float),
    bias=st.booleans(),
    criterion=st.sampled_from(CRITERIA),
)
def test_counts_hold_whatever_the_layers(
    widths: list[int], percent: float, bias: bool, criterion: Criterion
) -> None:
    torch.manual_seed(0)
    sizes = [3, *widths]
    body = [nn.Linear(one, other, bias) for one, other in itertools.pairwise(sizes)]
    layers = layers_of(nn.Sequential(*body), torch.rand(2, 3))
    kept = kept_of(layers, criterion, percent, drawn(layers), seed=0)
    *others, last = gone(layers, kept)
    every = sum(one.numel() for one in others)
    assert sum(int(one.sum()) for one in others) == pruned_of(percent, every)
    assert set(last.sum(1).tolist()) == {pruned_of(percent, last.shape[1])}
    assert all(mask.shape == layers.parameters[name].shape for name, mask in kept.items())


def test_put_on_zeroes_what_goes_and_leaves_nothing_else() -> None:
    before = Many()
    after, kept = pruned()
    names = [name for name, _ in before.named_parameters()]
    assert [name for name, _ in after.named_parameters()] == names
    assert list(after.state_dict()) == list(before.state_dict())
    for name, parameter in after.named_parameters():
        assert parameter.requires_grad
        assert parameter.is_leaf
        was = dict(before.named_parameters())[name]
        assert torch.equal(parameter, was * kept[name] if name in kept else was)
    for module in after.modules():
        assert not module._forward_pre_hooks
        assert not module._forward_hooks
    assert not any("mask" in name for name, _ in after.named_buffers())


def test_put_on_leaves_parameters_the_same_objects() -> None:
    network = Many()
    mine = dict(network.named_parameters())
    layers = layers_of(network, pictures())
    put_on(network, kept_of(layers, "magnitude", 0.5, [], seed=0))
    assert all(parameter is mine[name] for name, parameter in network.named_parameters())


def lost(network: nn.Module) -> Tensor:
    """The loss of a pass forward and backward."""
    network.zero_grad(set_to_none=True)
    loss = nn.functional.cross_entropy(network(pictures()), LABELS)
    loss.backward()
    return loss


def held(network: nn.Module, optimizer: torch.optim.Optimizer, kept: Kept) -> bool:
    """Whether what went, and its momentum, is zero, and what stayed has moved with one."""
    for name, parameter in network.named_parameters():
        momentum = optimizer.state[parameter]["momentum_buffer"]
        if name in kept and (
            bool(parameter[~kept[name]].any()) or bool(momentum[~kept[name]].any())
        ):
            return False
    return any(bool(state["momentum_buffer"].any()) for state in optimizer.state.values())


def test_zeros_are_held_while_the_rest_is_trained() -> None:
    network, kept = pruned()
    before = copy.deepcopy(network.state_dict())
    optimizer = optimizer_of(network, kept)
    for _ in range(4):
        lost(network)
        optimizer.step()
    assert held(network, optimizer, kept)
    assert not torch.equal(network.stem.weight, before["stem.weight"])


def test_zeros_are_held_against_gradients_that_are_not_finite_and_large_decay() -> None:
    network, kept = pruned()
    optimizer = HeldSGD(network, kept, lr=0.1, momentum=0.9, nesterov=True, weight_decay=10.0)
    for odd in (math.inf, math.nan):
        lost(network)
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None
            if name in kept:
                parameter.grad[~kept[name]] = odd
        optimizer.step()
    assert held(network, optimizer, kept)
    assert all(bool(parameter.isfinite().all()) for parameter in network.parameters())


def test_zeros_are_held_where_a_closure_computes_the_gradients() -> None:
    network, kept = pruned()
    optimizer = optimizer_of(network, kept)
    assert optimizer.step(lambda: float(lost(network).detach())) > 0
    assert held(network, optimizer, kept)


def test_zeros_are_held_by_deep_copies_each_for_its_own_network() -> None:
    network, kept = pruned()
    optimizer = optimizer_of(network, kept)
    lost(network)
    optimizer.step()
    other, same = copy.deepcopy((network, optimizer))
    mine = copy.deepcopy(network.state_dict())
    for _ in range(2):
        lost(other)
        same.step()
    assert held(other, same, kept)
    assert not torch.equal(other.stem.weight, network.stem.weight)
    assert all(torch.equal(mine[name], value) for name, value in network.state_dict().items())


def test_a_state_goes_there_and_back() -> None:
    network, kept = pruned()
    optimizer = optimizer_of(network, kept, rate=0.05)
    lost(network)
    optimizer.step()
    other = Many()
    other.load_state_dict(network.state_dict())
    same = optimizer_of(other, kept)
    same.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert same.param_groups[0]["lr"] == 0.05
    for net, made in ((network, optimizer), (other, same)):
        lost(net)
        made.step()
    assert held(other, same, kept)
    now = other.state_dict()
    assert all(torch.equal(now[name], value) for name, value in network.state_dict().items())


def test_the_learning_rate_falls_after_a_half_and_three_quarters() -> None:
    rates = [learning_rate(epoch, 60) for epoch in range(60)]
    assert rates == pytest.approx([0.1] * 30 + [0.01] * 15 + [0.001] * 15)
    for epochs in range(1, 12):
        few = [learning_rate(epoch, epochs, rate=1.0) for epoch in range(epochs)]
        assert few[0] == 1, "no training begins with a rate that fell"
        assert few == sorted(few, reverse=True)
