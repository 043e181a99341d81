"""The closed form against the printed loop, and the scoring of a batch in both variants."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn

from adapters.papers.mad.factors import factors_of
from adapters.papers.mad.layers import Layers, layers_of
from adapters.papers.mad.masks import change, optimised
from adapters.papers.mad.pruning import HeldSGD, kept_of, put_on
from adapters.papers.mad.saliency import added_loss, batch_saliency, saliency_of
from semibackward import semi_backward
from tests.adapters.mad.networks import LABELS, WORDS, Many, drawn_masks, pictures
from tools.saliency import row_by_row

pytestmark = pytest.mark.usefixtures("one_thread")

BOTH = pytest.mark.parametrize("frozen", [False, True], ids=["original", "semi-backward"])


@pytest.mark.parametrize(
    ("dtype", "near"), [(torch.float32, 1e-5), (torch.float64, 1e-10)], ids=["float32", "float64"]
)
def test_the_closed_form_is_the_loop_over_rows(dtype: torch.dtype, near: float) -> None:
    network, images = Many(dtype), pictures(dtype)
    layers = layers_of(network, images)
    masks = drawn_masks(layers)
    factors = factors_of(network, layers, masks, images, LABELS)
    for name, delta, found in zip(WORDS, change(layers, masks), factors, strict=True):
        expected = row_by_row(delta, found)
        difference = (added_loss(delta, found) - expected).abs().max()
        assert bool(expected.any()), name
        assert float(difference) <= near * float(expected.abs().max()), name


def test_the_rows_of_saliency_sum_to_the_quadratic_form() -> None:
    """½ Δwᵢᵀ (Gᵢᵢ A) Δwᵢ, of a row and group with all its weights."""
    network, images = Many(torch.float64), pictures(torch.float64)
    layers = layers_of(network, images)
    masks = drawn_masks(layers)
    factors = factors_of(network, layers, masks, images, LABELS)
    scored = saliency_of(layers, masks, factors)
    deltas = change(layers, masks)
    for layer, delta, found, saliency in zip(layers.every, deltas, factors, scored, strict=True):
        each = len(delta) // layer.groups
        for row, weights in enumerate(delta):
            quadratic = 0.5 * found.g[row] * (weights @ found.a[row // each] @ weights)
            assert torch.allclose(saliency[row].sum(), quadratic, rtol=1e-10, atol=1e-18)


def scored(network: nn.Module, frozen: bool) -> tuple[Layers, dict[str, Tensor], list[Tensor]]:
    """Layers, masks and all of factors and saliency, of one batch."""
    images = pictures()
    with semi_backward(network) if frozen else nullcontext():
        layers = layers_of(network, images)
        masks = optimised(network, layers, images, LABELS, steps=4)
        factors = factors_of(network, layers, masks, images, LABELS)
        saliency = batch_saliency(network, layers, images, LABELS, mask_steps=4)
    return layers, masks, [*(part for one in factors for part in (one.a, one.g)), *saliency]


def test_frozen_parameters_change_no_bit_of_it() -> None:
    layers, masks, numbers = scored(Many(), frozen=False)
    others, same_masks, same_numbers = scored(Many(), frozen=True)
    assert [layer.name for layer in layers.every] == [layer.name for layer in others.every]
    assert list(masks) == list(same_masks)
    assert all(torch.equal(masks[name], same_masks[name]) for name in masks)
    assert all(torch.equal(one, other) for one, other in zip(numbers, same_numbers, strict=True))
    assert all(bool(one.any()) for one in numbers)


def test_frozen_while_scored_a_network_is_pruned_and_trained_to_the_same_bits() -> None:
    made = []
    for frozen in (False, True):
        network = Many()
        layers, _, numbers = scored(network, frozen)
        kept = kept_of(layers, "mad", 0.6, numbers[-len(layers.every) :], seed=0)
        put_on(network, kept)
        optimizer = HeldSGD(network, kept, lr=0.1, momentum=0.9, weight_decay=2e-4)
        for _ in range(3):
            optimizer.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(network(pictures()), LABELS).backward()
            optimizer.step()
        made.append((kept, dict(network.named_parameters())))
    (kept, weights), (same_kept, same_weights) = made
    assert all(torch.equal(kept[name], same_kept[name]) for name in kept)
    assert all(torch.equal(weights[name], same_weights[name]) for name in weights)
    assert any(
        not torch.equal(weights[name], dict(Many().named_parameters())[name]) for name in kept
    )


@BOTH
def test_the_network_is_as_before(frozen: bool) -> None:
    network = Many()
    network.head.requires_grad_(False)
    for parameter in (network.stem.weight, network.norm.bias):
        parameter.grad = torch.ones_like(parameter)
    before = copy.deepcopy(network.state_dict())
    gradients = {name: one.grad for name, one in network.named_parameters()}
    flags = {name: one.requires_grad for name, one in network.named_parameters()}
    scored(network, frozen)
    now = network.state_dict()
    assert all(torch.equal(before[name], now[name]) for name in before)
    assert all(one.grad is gradients[name] for name, one in network.named_parameters())
    assert flags == {name: one.requires_grad for name, one in network.named_parameters()}
    assert not any(module._forward_hooks for module in network.modules())


@BOTH
def test_no_parameter_gets_a_gradient_where_all_are_frozen(
    monkeypatch: pytest.MonkeyPatch, frozen: bool
) -> None:
    network = Many()
    counts = []
    backward: Callable[[Tensor], None] = Tensor.backward

    def counted(loss: Tensor) -> None:
        backward(loss)
        counts.append(sum(one.grad is not None for one in network.parameters()))

    monkeypatch.setattr(Tensor, "backward", counted)
    scored(network, frozen)
    every = len(list(network.parameters()))
    assert counts == [0 if frozen else every] * 10, "of masks and factors, twice"
