"""Outputs averaged over passes, and how far their confidence can be believed."""

from __future__ import annotations

import pytest
import torch

from adapters.base import UnsupportedSettings
from adapters.papers.sap.defending import Defended
from adapters.papers.sap.metrics import ReliabilityBin, averaged, reliability
from tests.adapters.sap.networks import Tiny, pictures

pytestmark = pytest.mark.usefixtures("one_thread")


def test_outputs_are_averaged_as_probabilities() -> None:
    model = Defended(Tiny(), "sap-100")
    torch.manual_seed(0)
    with torch.no_grad():
        expected = sum(model(pictures()).softmax(1) for _ in range(5)) / 5
    torch.manual_seed(0)
    assert torch.allclose(averaged(model, pictures(), passes=5), expected)


@pytest.mark.parametrize("chunk", [1, 2, 7])
def test_passes_side_by_side_change_nothing_of_a_network_that_draws_nothing(chunk: int) -> None:
    found = averaged(Tiny(), pictures(), passes=5, chunk=chunk)
    assert torch.allclose(found, Tiny()(pictures()).softmax(1))
    assert not found.requires_grad
    halves = averaged(Tiny().bfloat16(), pictures().bfloat16())
    assert halves.dtype == torch.float32


def test_passes_side_by_side_are_drawn_each_by_itself() -> None:
    model = Defended(Tiny(), "sap-30")
    assert torch.allclose(
        averaged(model, pictures(), passes=600, chunk=200),
        averaged(model, pictures(), passes=600, chunk=100),
        atol=0.02,
    )


def test_no_passes_are_one_line() -> None:
    with pytest.raises(UnsupportedSettings, match="passes = 0 and chunk = 1 must be at least 1"):
        averaged(Tiny(), pictures(), passes=0)


def test_bins_and_calibration_error_by_hand() -> None:
    probabilities = torch.tensor([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4], [0.5, 0.5], [0.05, 0.95]])
    found = reliability(probabilities, torch.tensor([0, 0, 1, 0, 1]), bins=5)
    assert (found.images, found.right) == (5, 3)
    assert [one.images for one in found.bins] == [0, 0, 1, 2, 2]
    assert found.bins[0] == ReliabilityBin(0, 0.0, 0.0)
    assert found.bins[2] == ReliabilityBin(1, 0.5, 1.0)
    assert found.bins[3].accuracy == 0
    assert found.bins[3].confidence == pytest.approx(0.65)
    assert found.bins[4].confidence == pytest.approx(0.925)
    assert found.error == pytest.approx(1 / 5 * 0.5 + 2 / 5 * 0.65 + 2 / 5 * 0.075)


def test_a_sure_network_that_is_right_or_wrong() -> None:
    sure = torch.eye(4)
    assert reliability(sure, torch.arange(4)).error == 0
    wrong = reliability(sure, torch.arange(4).flip(0))
    assert (wrong.right, wrong.error) == (0, 1)
    assert wrong.bins[-1].images == 4


def test_outputs_that_are_not_finite_are_one_line() -> None:
    with pytest.raises(UnsupportedSettings, match="not finite"):
        reliability(torch.full((2, 3), torch.nan), torch.tensor([0, 1]))
