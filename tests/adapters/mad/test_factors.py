"""Factors against brute force: patches by loops, gradients image by image."""

from __future__ import annotations

import copy
import itertools
import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from adapters.papers.mad.factors import Factors, covariance, factors_of, patches_of
from adapters.papers.mad.layers import Layer, Layers, hooked, layers_of
from tests.adapters.mad.networks import LABELS, WORDS, Many, drawn_masks, pictures

pytestmark = pytest.mark.usefixtures("one_thread")

F64 = torch.float64
ALONE: dict[str, Callable[[], nn.Conv2d]] = {
    "plain": lambda: nn.Conv2d(4, 2, 3),
    "stride": lambda: nn.Conv2d(4, 2, (3, 2), stride=(2, 3)),
    "padding": lambda: nn.Conv2d(4, 2, 3, padding=(2, 1), stride=2, bias=False),
    "same": lambda: nn.Conv2d(4, 2, (3, 5), padding="same"),
    "same, one side longer": lambda: nn.Conv2d(4, 2, (2, 4), padding="same"),
    "same, circular": lambda: nn.Conv2d(4, 2, (2, 4), padding="same", padding_mode="circular"),
    "valid": lambda: nn.Conv2d(4, 2, 2, padding="valid"),
    "reflect": lambda: nn.Conv2d(4, 2, 3, padding=(1, 2), padding_mode="reflect", bias=False),
    "circular": lambda: nn.Conv2d(4, 2, 3, padding=(2, 1), padding_mode="circular"),
    "replicate": lambda: nn.Conv2d(4, 2, 3, padding=(1, 2), padding_mode="replicate"),
    "dilation": lambda: nn.Conv2d(4, 2, (2, 3), dilation=(3, 2), padding=2),
    "groups": lambda: nn.Conv2d(4, 6, 3, groups=2, padding=1),
    "depthwise": lambda: nn.Conv2d(4, 8, 3, groups=4, padding=1, bias=False),
    "depthwise with bias": lambda: nn.Conv2d(4, 4, 3, groups=4),
    "depthwise, of one pixel": lambda: nn.Conv2d(4, 4, 1, groups=4),
}


def layer_of(make: Callable[[], nn.Conv2d]) -> tuple[Layer, Tensor]:
    """A convolution alone, and maps for it, (3, 4, 7, 6)."""
    torch.manual_seed(0)
    return Layer("", make().to(F64)), torch.rand(3, 4, 7, 6, dtype=F64)


def index(at: int, size: int, mode: str) -> int | None:
    """Which entry of a row stands where the padded one is read; None where a zero does."""
    if 0 <= at < size:
        return at
    if mode == "circular":
        return at % size
    if mode == "reflect":
        return -at if at < 0 else 2 * (size - 1) - at
    if mode == "replicate":
        return min(max(at, 0), size - 1)
    return None


def by_loops(module: nn.Conv2d, maps: Tensor) -> Tensor:
    """Patches (groups, places, columns), an entry at a time."""
    height, width = maps.shape[2:]
    before = [0, 0]
    if module.padding == "same":
        sizes = zip(module.dilation, module.kernel_size, strict=True)
        before = [d * (k - 1) // 2 for d, k in sizes]
    elif not isinstance(module.padding, str):
        before = list(module.padding)
    each = module.in_channels // module.groups
    found: list[list[list[float]]] = [[] for _ in range(module.groups)]
    with torch.no_grad():
        high, wide = module(maps).shape[2:]
    for image, top, left in itertools.product(maps.tolist(), range(high), range(wide)):
        for group in range(module.groups):
            row = []
            for channel, i, j in itertools.product(
                range(group * each, (group + 1) * each), *map(range, module.kernel_size)
            ):
                y = top * module.stride[0] + i * module.dilation[0] - before[0]
                x = left * module.stride[1] + j * module.dilation[1] - before[1]
                down = index(y, height, module.padding_mode)
                right = index(x, width, module.padding_mode)
                outside = down is None or right is None
                row.append(0.0 if outside else image[channel][down][right])
            found[group].append(row + [1.0] * (module.bias is not None))
    return torch.tensor(found, dtype=F64)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("make", ALONE.values(), ids=ALONE)
def test_a_is_the_mean_over_patches_as_loops_make_them(make: Callable[[], nn.Conv2d]) -> None:
    layer, maps = layer_of(make)
    assert isinstance(layer.module, nn.Conv2d)
    expected = by_loops(layer.module, maps)
    found, places = covariance(layer, maps)
    assert places == expected.shape[1]
    assert torch.allclose(found, expected.transpose(1, 2) @ expected, rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("budget", [1, 700, 4000, 20_000, sys.maxsize])
@pytest.mark.parametrize("make", ALONE.values(), ids=ALONE)
def test_parts_keep_the_budget_and_are_all_there_is(
    make: Callable[[], nn.Conv2d], budget: int
) -> None:
    layer, maps = layer_of(make)
    assert isinstance(layer.module, nn.Conv2d)
    parts = list(patches_of(layer, maps, budget))
    (whole,) = patches_of(layer, maps, sys.maxsize)
    assert torch.equal(torch.cat(parts, dim=1), whole)
    with torch.no_grad():
        output = layer.module(maps)
    images, rows, high, wide = output.shape
    row = whole.shape[0] * wide * whole.shape[2]
    # Twice, as a part stands there as it is unfolded and in rows.
    assert all(2 * 8 * part.numel() <= max(budget, 2 * 8 * row) for part in parts)
    weights = layer.weights().view(whole.shape[0], -1, whole.shape[2])
    made = (weights @ whole.transpose(1, 2)).view(rows, images, high, wide).transpose(0, 1)
    assert torch.allclose(made, output, rtol=1e-12, atol=1e-12), "a patch is what an output reads"


def test_padding_and_dilation_may_be_changed_after_a_layer_is_made() -> None:
    layer, maps = layer_of(lambda: nn.Conv2d(4, 2, 3, padding=1))
    assert isinstance(layer.module, nn.Conv2d)
    layer.module.dilation = layer.module.padding = (2, 2)
    expected = by_loops(layer.module, maps)
    assert torch.allclose(covariance(layer, maps)[0], expected.transpose(1, 2) @ expected)


def test_a_linear_layer_keeps_the_budget_too() -> None:
    layer, given = Layer("", nn.Linear(5, 2)), torch.rand(3, 4, 5)
    parts = list(patches_of(layer, given, budget=70))
    assert [part.shape for part in parts] == [(1, 2, 6)] * 6
    flat = given.flatten(0, 1)
    assert torch.equal(torch.cat(parts, dim=1)[0], torch.cat([flat, torch.ones(12, 1)], dim=1))


def brute_force(network: nn.Module, layers: Layers, images: Tensor) -> list[Factors]:
    """Image by image: inputs and outputs' gradients of each call, of a masked copy."""
    inputs: dict[str, list[Tensor]] = {layer.name: [] for layer in layers.every}
    squares = {layer.name: torch.zeros(len(layer.weights()), dtype=F64) for layer in layers.every}
    probes: list[tuple[Layer, Tensor]] = []

    def seen(layer: Layer) -> Callable[..., Tensor]:
        def see(_: nn.Module, given: tuple[Tensor], output: Tensor) -> Tensor:
            inputs[layer.name].append(given[0].detach().clone())
            probes.append((layer, torch.zeros_like(output, requires_grad=True)))
            return output + probes[-1][1]

        return see

    for image, label in zip(images, LABELS, strict=True):
        probes.clear()
        with hooked({layer.module: seen(layer) for layer in layers.every}):
            loss = functional.cross_entropy(network(image[None]), label[None])
        gradients = torch.autograd.grad(loss, [probe for _, probe in probes])
        for (layer, _), gradient in zip(probes, gradients, strict=True):
            rows = gradient.flatten(0, -2) if layer.linear else gradient[0].flatten(1).t()
            squares[layer.name] += rows.square().sum(0) / len(images)
    return [
        Factors(mean_of(layer.module, inputs[layer.name]), squares[layer.name])
        for layer in layers.every
    ]


def mean_of(module: nn.Conv2d | nn.Linear, inputs: list[Tensor]) -> Tensor:
    """A of a layer from all that it was called with."""
    if isinstance(module, nn.Conv2d):
        rows = torch.cat([by_loops(module, given) for given in inputs], dim=1)
    else:
        rows = torch.cat([given.flatten(0, -2) for given in inputs])[None]
        if module.bias is not None:
            rows = functional.pad(rows, (0, 1), value=1.0)
    return rows.transpose(1, 2) @ rows / rows.shape[1]


@pytest.mark.parametrize("frozen", [False, True])
def test_factors_of_a_masked_network_are_those_of_brute_force(frozen: bool) -> None:
    network, images = Many(F64), pictures(F64)
    layers = layers_of(network, images)
    masks = drawn_masks(layers)
    masked = copy.deepcopy(network)
    for name, parameter in masked.named_parameters():
        if name in masks:
            parameter.data *= functional.softplus(masks[name])
    expected = brute_force(masked, layers_of(masked, images), images)
    network.requires_grad_(not frozen)
    found = factors_of(network, layers, masks, images, LABELS)
    for layer, one, other in zip(WORDS, found, expected, strict=True):
        assert torch.allclose(one.a, other.a, rtol=1e-10, atol=1e-14), layer
        assert torch.allclose(one.g, other.g, rtol=1e-10, atol=1e-16), layer
        assert bool(other.g.any()), layer


def test_a_tiny_budget_changes_factors_by_rounding_alone() -> None:
    network, images = Many(F64), pictures(F64)
    layers = layers_of(network, images)
    masks = drawn_masks(layers)
    large, tiny = (
        factors_of(network, layers, masks, images, LABELS, budget=budget) for budget in (10**9, 1)
    )
    for one, other in zip(large, tiny, strict=True):
        assert torch.allclose(one.a, other.a, rtol=1e-13, atol=1e-15)
        assert torch.equal(one.g, other.g)


class Partly(nn.Module):
    """A network whose first half is called without gradients."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Conv2d(3, 4, 3)
        self.head = nn.Linear(4, 4)

    def forward(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            maps = self.body(images).mean((2, 3))
        logits: Tensor = self.head(maps)
        return logits


@pytest.mark.parametrize("frozen", [False, True])
def test_a_layer_that_no_gradient_reaches_has_a_g_of_zero(frozen: bool) -> None:
    network = Partly().requires_grad_(not frozen)
    layers = layers_of(network, pictures())
    body, head = factors_of(network, layers, drawn_masks(layers), pictures(), LABELS)
    assert torch.equal(body.g, torch.zeros(4))
    assert bool((head.g > 0).all())


def test_a_convolution_may_be_called_with_one_image_without_its_batch() -> None:
    class Single(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.body = nn.Conv2d(3, 4, 3)

        def forward(self, images: Tensor) -> Tensor:
            maps = functional.relu_(self.body(images[0]))
            return maps.mean((1, 2))[None]

    network, image = Single(), pictures(count=1)
    layers = layers_of(network, image)
    (one,) = factors_of(network, layers, drawn_masks(layers), image, LABELS[:1])
    batched = nn.Sequential(network.body, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    others = layers_of(batched, image)
    masks = drawn_masks(others)
    (other,) = factors_of(batched, others, masks, image, LABELS[:1])
    assert torch.allclose(one.a, other.a)
    assert torch.allclose(one.g, other.g)
