"""The losses and measures of energy attacks, against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from adapters.papers.energy import losses, metrics
from adapters.papers.energy.checking import shares
from tests.adapters.energy.networks import apart

GATES = torch.tensor([[0.2, 0.4, 0.5, 0.9], [0.6, 0.7, 0.8, 1.0], [0.0, 0.1, 0.2, 0.3]])
WEIGHTS = shares(torch.tensor([1.0, 2.0, 3.0, 4.0])).float()


def told(values: torch.Tensor) -> object:
    return pytest.approx(values.tolist(), abs=1e-6)


def test_gates_weigh_as_much_as_their_units_cost() -> None:
    assert WEIGHTS.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_the_complexity_loss_is_of_gates_that_are_off() -> None:
    assert told(losses.complexity(GATES, WEIGHTS)) == [-0.10, 0.0, -0.20]


def test_the_finished_loss_is_of_gates_that_are_on_from_the_threshold() -> None:
    assert told(losses.finished(GATES, WEIGHTS)) == [-0.51, -0.84, 0.0]


def test_the_joint_loss_is_of_all() -> None:
    assert told(losses.joint(GATES, WEIGHTS)) == [-0.61, -0.84, -0.20]


def test_the_power_loss_prefers_gates_near_the_threshold() -> None:
    told_by_hand = [-(0.1 * 0.2**4 + 0.2 * 0.4**4), 0.0, -(0.2e-4 + 0.3 * 0.2**4 + 0.4 * 0.3**4)]
    assert told_by_hand == told(losses.power(GATES, WEIGHTS, 4))


@pytest.mark.parametrize("exponent", [1.0, 1.5, 4.0])
def test_the_power_loss_has_the_gradient_of_its_formula(exponent: float) -> None:
    gates = GATES.clone().requires_grad_(True)
    losses.power(gates, WEIGHTS, exponent).sum().backward()
    by_hand = -exponent * WEIGHTS * GATES ** (exponent - 1) * (GATES < 0.5)
    assert gates.grad is not None
    assert apart(gates.grad, by_hand) < 1e-6


def test_with_an_exponent_of_1_it_is_the_complexity_loss() -> None:
    plain, raised = (GATES.clone().requires_grad_(True) for _ in range(2))
    one, other = losses.complexity(plain, WEIGHTS), losses.power(raised, WEIGHTS, 1)
    assert torch.equal(one, other)
    one.sum().backward()
    other.sum().backward()
    assert torch.equal(plain.grad, raised.grad)  # type: ignore[arg-type]


def test_imperceptibility_is_a_squared_length_or_the_largest_change() -> None:
    images = torch.zeros(2, 1, 2, 2)
    perturbed = torch.tensor([[0.1, -0.2, 0.0, 0.2], [0.5, 0.0, 0.0, 0.0]]).view(2, 1, 2, 2)
    assert told(losses.squared(perturbed, images)) == [0.09, 0.25]
    assert told(losses.largest(perturbed, images)) == [0.2, 0.5]


def test_the_classification_loss_is_minus_the_log_of_the_labels_confidence() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]))
    found = losses.classification(logits, torch.tensor([1, 1]))
    assert [math.log(4), -math.log(0.8)] == told(found)


def test_unsure_exits_have_the_least_distance_and_the_last_one_does_not_count() -> None:
    sure = torch.log(torch.tensor([0.98, 0.01, 0.01]))
    even = torch.zeros(3)
    exits = torch.stack([torch.stack([even, even, sure]), torch.stack([even, sure, even])])
    of_sure = -(math.log(0.98) + 2 * math.log(0.01)) / 3
    assert [2 * math.log(3), math.log(3) + of_sure] == told(losses.uniform(exits))


def test_recovery_is_the_share_of_what_was_saved_that_is_spent() -> None:
    clean, perturbed = torch.tensor([40.0, 60.0, 80.0]), torch.tensor([70.0, 60.0, 75.0])
    assert told(metrics.recovery(clean, perturbed, 100.0)) == [50.0, 0.0, -25.0]


def test_recovery_of_an_image_that_has_every_gate_on_is_undefined() -> None:
    found = metrics.recovery(torch.tensor([100.0, 50.0]), torch.tensor([100.0, 100.0]), 100.0)
    assert torch.isnan(found[0])
    assert float(found[1]) == 100.0


def test_mse_is_on_a_scale_of_0_to_255() -> None:
    images = torch.zeros(2, 1, 1, 2)
    perturbed = torch.tensor([[1 / 255, 3 / 255], [0.0, 0.0]]).view(2, 1, 1, 2)
    assert told(metrics.mse(images, perturbed)) == [5.0, 0.0]
