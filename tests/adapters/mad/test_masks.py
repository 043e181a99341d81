"""Masks: where they begin, between what they stay, and what they descend."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from adapters.papers.mad.layers import layers_of
from adapters.papers.mad.masks import FLOOR, called_with, change, masked_loss, optimised
from tests.adapters.mad.networks import LABELS, Many, pictures

pytestmark = pytest.mark.usefixtures("one_thread")

DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


@DTYPES
def test_masks_begin_where_they_change_nothing(dtype: torch.dtype) -> None:
    network, images = Many(dtype), pictures(dtype)
    layers = layers_of(network, images)
    masks = optimised(network, layers, images, LABELS, steps=0)
    assert list(masks) == list(layers.parameters)
    for name, mask in masks.items():
        assert mask.shape == layers.parameters[name].shape
        assert bool((functional.softplus(mask) == 1).all())
    assert not any(bool(delta.any()) for delta in change(layers, masks))


@DTYPES
def test_masks_stay_between_the_floor_and_one_and_get_to_both(dtype: torch.dtype) -> None:
    network, images = Many(dtype), pictures(dtype)
    layers = layers_of(network, images)
    masks = optimised(network, layers, images, LABELS, steps=40, rate=0.5)
    scales = torch.cat([functional.softplus(mask).flatten() for mask in masks.values()])
    near = 1e-6 if dtype == torch.float32 else 1e-12
    assert float(scales.max()) == 1
    assert float(scales.min()) == pytest.approx(FLOOR, rel=near)
    assert not any(mask.requires_grad for mask in masks.values())


def test_the_loss_of_the_masked_network_falls() -> None:
    network, images = Many(), pictures()
    layers = layers_of(network, images)
    losses = []
    for steps in (0, 5, 20):
        masks = optimised(network, layers, images, LABELS, steps=steps)
        losses.append(float(masked_loss(network, layers, masks, images, LABELS).detach()))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.9 * losses[0]
    with torch.no_grad():
        assert losses[0] == float(functional.cross_entropy(network(images), LABELS))


def test_a_change_is_what_the_masks_take_away() -> None:
    network, images = Many(), pictures()
    layers = layers_of(network, images)
    masks = optimised(network, layers, images, LABELS, steps=5)
    for layer, delta in zip(layers.every, change(layers, masks), strict=True):
        for name, part in layer.parts(delta).items():
            weights = layers.parameters[name].detach()
            assert torch.equal(part, weights - weights * functional.softplus(masks[name]))


def test_a_network_is_called_with_other_parameters_and_keeps_its_own() -> None:
    network, images = Many(), pictures()
    with torch.no_grad():
        own = network(images)
        other = called_with(network, {"head.bias": network.head.bias + 1}, images)
        assert torch.allclose(other, own + 1)
        assert torch.equal(network(images), own)


@pytest.mark.parametrize("lost", [math.nan, math.inf])
@pytest.mark.parametrize("where", ["stem.weight", "norm.bias", "head.bias"])
def test_weights_that_are_not_finite_are_told_of_in_one_line(where: str, lost: float) -> None:
    network, images = Many(), pictures()
    layers = layers_of(network, images)
    dict(network.named_parameters())[where].data.view(-1)[0] = lost
    with pytest.raises(ArithmeticError, match="is not finite; check its weights") as said:
        optimised(network, layers, images, LABELS, steps=2)
    assert "\n" not in str(said.value)
    assert all(parameter.grad is None for parameter in network.parameters())
