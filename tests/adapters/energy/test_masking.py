"""Complexity gradient masking, against hand-made gradients and against what it promises."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from adapters.papers.energy import losses, masking
from tests.adapters.energy.networks import COSTS, GATES, Tiny, apart, pictures

pytestmark = pytest.mark.usefixtures("one_thread")


def test_what_opposes_the_finished_gradient_is_taken_away_and_nothing_else() -> None:
    complexity = torch.tensor([[1.0, -2.0], [1.0, 2.0], [3.0, 4.0], [-1.0, 0.0]])
    finished = torch.tensor([[0.0, 5.0], [0.0, 5.0], [0.0, 0.0], [2.0, 0.0]])
    by_hand = torch.tensor([[1.0, 0.0], [1.0, 2.0], [3.0, 4.0], [0.0, 0.0]])
    assert torch.equal(masking.masked(complexity, finished), by_hand)


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1.0, 1e12])
def test_after_masking_no_image_goes_against_its_finished_gradient(scale: float) -> None:
    generator = torch.Generator().manual_seed(2)
    complexity = torch.randn(64, 3, 4, 4, generator=generator)
    finished = torch.randn(64, 3, 4, 4, generator=generator) - 0.3 * complexity
    found = masking.masked(complexity, scale * finished)
    along = _inner(found, finished)
    assert (_inner(complexity, finished) < 0).sum() > 10, "some were opposed"
    assert float((along / (complexity.flatten(1).norm(dim=1) * 50)).min()) > -1e-6
    kept = _inner(complexity, finished) >= 0
    assert torch.equal(found[kept], complexity[kept])


@pytest.mark.parametrize("bias", [-20.0, -1.0, 0.0, 1.0, 20.0])
def test_so_it_is_with_the_gradients_of_a_network_however_many_gates_are_on(bias: float) -> None:
    complexity, finished, on = _gradients(bias)
    found = masking.masked(complexity, finished)
    lengths = found.flatten(1).norm(dim=1) * finished.flatten(1).norm(dim=1)
    assert bool((_inner(found, finished) >= -1e-5 * lengths).all())
    for image in range(len(on)):
        if on[image] == 0:
            assert torch.equal(found[image], complexity[image]), "the plain gradient"
        if on[image] == GATES:
            assert not found[image].any(), "nothing left to activate"
    assert bool(torch.isfinite(found).all())


def test_an_image_is_masked_as_it_would_be_alone() -> None:
    complexity, finished, _ = _gradients(0.0)
    together = masking.masked(complexity, finished)
    for image in range(len(together)):
        one = slice(image, image + 1)
        alone = masking.masked(complexity[one], finished[one])
        assert apart(together[one], alone) < 1e-6


def test_an_angle_is_in_degrees_and_undefined_where_a_gradient_is_0() -> None:
    first = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1e-30, 0.0], [0.0, 0.0]])
    second = torch.tensor([[0.0, 2.0], [1.0, 1.0], [-1e-30, 0.0], [1.0, 0.0]])
    found = masking.angle(first, second).tolist()
    assert found[:3] == pytest.approx([90, 45, 180], abs=1e-3)
    assert math.isnan(found[3])


def test_what_was_obtuse_is_right_angled_afterwards() -> None:
    complexity, finished = torch.tensor([[-1.0, 1.0]]), torch.tensor([[1.0, 0.0]])
    assert float(masking.angle(complexity, finished)) == pytest.approx(135)
    assert float(masking.angle(masking.masked(complexity, finished), finished)) == pytest.approx(90)


def _gradients(bias: float) -> tuple[Tensor, Tensor, list[int]]:
    """Complexity and finished gradient of images, and how many gates are on for each."""
    images = pictures(8).requires_grad_(True)
    gates = Tiny(bias)(images).gates
    weights = (COSTS / COSTS.sum()).float()
    found = [
        torch.autograd.grad(loss(gates, weights).sum(), images, retain_graph=True)[0]
        for loss in (losses.complexity, losses.finished)
    ]
    return found[0], found[1], (gates >= 0.5).sum(1).tolist()


def _inner(first: Tensor, second: Tensor) -> Tensor:
    return (first.double() * second.double()).flatten(1).sum(1)
