"""Attacks by Monte-Carlo gradients: against loops written by hand, and what changes nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor, nn

from adapters.base import Settings, UnsupportedSettings
from adapters.papers.sap import attack
from adapters.papers.sap.adapter import Sap
from adapters.papers.sap.defending import Defended
from adapters.papers.sap.methods import ATTACKS
from adapters.papers.sap.settings import SamplingSettings
from semibackward import semi_backward
from tests.adapters.sap.networks import LABELS, Tiny, pictures

pytestmark = pytest.mark.usefixtures("one_thread")

STRENGTHS = [0.0, 1.0, 2.5, 4.0]
SETTINGS = SamplingSettings(strength=4.0, step=1.0, samples=3, chunk=2)


def by_hand(model: nn.Module, images: Tensor, samples: int) -> Tensor:
    """The mean of the gradients of as many passes."""
    total = torch.zeros_like(images)
    for _ in range(samples):
        leaf = images.clone().requires_grad_(True)
        F.cross_entropy(model(leaf), LABELS, reduction="sum").backward()
        assert leaf.grad is not None
        total += leaf.grad
    return total / samples


def perturbed(name: str, model: nn.Module, seed: int = 0, **changes: Any) -> Tensor:
    """By the adapter, as the harness has it."""
    settings = replace(SETTINGS, **changes)
    dense = model.model if isinstance(model, Defended) else model
    torch.manual_seed(seed)
    return Sap().build_sampling_attack(name, model, dense, settings)(pictures(), LABELS)


def test_one_sample_in_a_pass_is_a_loop_over_passes() -> None:
    model = Defended(Tiny(), "sap-100")
    torch.manual_seed(3)
    expected = by_hand(model, pictures(), 4)
    torch.manual_seed(3)
    found = attack.gradient(model, pictures(), LABELS, samples=4, chunk=1)
    assert torch.allclose(found, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 7])
def test_samples_side_by_side_change_the_mean_by_rounding_alone(chunk: int) -> None:
    model = Tiny().double()
    expected = by_hand(model, pictures().double(), 1)
    found = attack.gradient(model, pictures().double(), LABELS, samples=5, chunk=chunk)
    assert torch.allclose(found, expected, rtol=1e-12, atol=1e-15)


class Bright(nn.Module):
    """Two pixels through a ReLU that lets both pass."""

    def forward(self, images: Tensor) -> Tensor:
        return F.relu(images[:, 0, 0, :2] + 1)


def test_samples_side_by_side_are_drawn_each_by_itself() -> None:
    """The mean of 64 has an eighth of the spread of one, however they are taken."""
    model = Defended(Bright(), "rsa-0.1")

    def spread(samples: int, chunk: int) -> float:
        found = [
            attack.gradient(model, pictures(), LABELS % 2, samples=samples, chunk=chunk)
            for _ in range(40)
        ]
        return float(torch.stack(found).std(0)[:, 0, 0, :2].mean())

    torch.manual_seed(0)
    for chunk in (16, 64):
        assert spread(1, 1) / spread(64, chunk) == pytest.approx(8, rel=0.25)


def test_gradients_of_halves_are_added_up_in_float32() -> None:
    dtype = torch.bfloat16
    model = Tiny().to(dtype)
    found = attack.gradient(model, pictures().to(dtype), LABELS, samples=3, chunk=2)
    assert found.dtype == torch.float32
    made = attack.fgsm(model, pictures().to(dtype), LABELS, settings=SETTINGS)
    assert made.dtype == dtype
    assert 0 <= float(made.min()) <= float(made.max()) <= 1


def test_fgsm_is_one_step_along_the_signs() -> None:
    expected = (pictures() + 4 / 255 * by_hand(Tiny(), pictures(), 1).sign()).clamp(0, 1)
    assert torch.allclose(perturbed("fgsm", Tiny()), expected)
    assert float((perturbed("fgsm", Tiny()) - pictures()).abs().max()) == pytest.approx(4 / 255)


def test_the_iterative_attack_is_steps_and_projections() -> None:
    x, now, model = pictures(), pictures(), Tiny()
    for _ in range(3):
        now = now + 1 / 255 * by_hand(model, now, 1).sign()
        now = now.clamp(0, 1).clamp(x - 2.5 / 255, x + 2.5 / 255)
    found = perturbed("iterative", model, strength=2.5, samples=1)
    assert torch.allclose(found, now, atol=1e-7)


@pytest.mark.parametrize("name", ATTACKS)
def test_each_strength_is_as_if_it_were_alone(name: str) -> None:
    model = Defended(Tiny(), "sap-100")
    order = [STRENGTHS[index] for index in (2, 0, 3, 1)]
    torch.manual_seed(0)
    found = attack.EACH[name](model, pictures(), LABELS, order, settings=SETTINGS)
    for strength, images in zip(order, found, strict=True):
        assert torch.equal(images, perturbed(name, model, strength=strength))
        assert float((images - pictures()).abs().max()) <= strength / 255 + 1e-6


def test_several_strengths_cost_one_gradient_or_the_longest_attack() -> None:
    model = Tiny()
    calls: list[int] = []
    model.register_forward_hook(lambda module, given, made: calls.append(len(made)))
    for name, expected in (("fgsm", [6, 3]), ("iterative", [6, 3] * 4), ("noise", [])):
        calls.clear()
        attack.EACH[name](model, pictures(), LABELS, STRENGTHS, settings=SETTINGS)
        assert calls == expected, "images of 3 samples, 2 side by side"


class Flat(nn.Module):
    """Reads nothing of the images but their first pixel."""

    def forward(self, images: Tensor) -> Tensor:
        first = images[:, 0, 0, :1]
        return torch.cat([first, -first], 1)


@pytest.mark.parametrize("name", ["fgsm", "iterative"])
def test_where_the_gradient_is_zero_nothing_moves(name: str) -> None:
    found = Sap().build_sampling_attack(name, Flat(), Flat(), SETTINGS)(pictures(), LABELS % 2)
    moved = found != pictures()
    assert int(moved.sum()) == 3
    assert bool(moved[:, 0, 0, 0].all())


def test_noise_has_random_signs_and_looks_at_no_network() -> None:
    found = perturbed("noise", Flat(), strength=1.0) - pictures()
    inside = (pictures() > 0.01) & (pictures() < 0.99)
    assert torch.allclose(found[inside].abs(), torch.tensor(1 / 255), atol=1e-6)
    assert 0.4 < float((found > 0).double().mean()) < 0.6


@pytest.mark.parametrize("spec", ["dense", "sap-100", "sap-100-fast", "rnw-0.01", "swp-100"])
@pytest.mark.parametrize("name", ATTACKS)
def test_frozen_parameters_change_no_bit_of_the_images(name: str, spec: str) -> None:
    network = Tiny()
    model = Defended(network, spec)
    expected = perturbed(name, model)
    asked = network.stem.weight.grad is not None
    assert asked == (ATTACKS[name].gradient_call == "backward"), "as `.backward()` leaves it"
    model.zero_grad(set_to_none=True)
    with semi_backward(model):
        assert torch.equal(perturbed(name, model), expected)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_dense_gradient_is_of_the_network_without_its_defence() -> None:
    model = Defended(Tiny(), "sap-10")
    found = perturbed("fgsm", model, gradient="dense", samples=1)
    assert torch.equal(found, perturbed("fgsm", Tiny(), samples=1))
    assert not torch.equal(found, perturbed("fgsm", model, samples=1))


def test_memory_does_not_grow_with_samples() -> None:
    """What the graph holds at once, over all passes of a gradient."""
    peaks = {}
    for samples in (4, 40):
        alive, peak = 0, 0

        class Kept:
            def __init__(self, tensor: Tensor) -> None:
                nonlocal alive, peak
                self.tensor = tensor
                alive += tensor.numel() * tensor.element_size()
                peak = max(peak, alive)

            def __del__(self) -> None:
                nonlocal alive
                alive -= self.tensor.numel() * self.tensor.element_size()

        model = Defended(Tiny(), "sap-100")
        with torch.autograd.graph.saved_tensors_hooks(Kept, lambda kept: kept.tensor):
            attack.gradient(model, pictures(), LABELS, samples=samples, chunk=4)
        peaks[samples] = peak
        assert alive == 0
    assert peaks[4] == peaks[40] > 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"strength": -1.0}, "strength = -1 must be at least 0"),
        ({"strength": math.nan}, "strength = nan must be at least 0"),
        ({"samples": 0}, "samples = 0 must be at least 1"),
        ({"chunk": 0}, "chunk = 0 must be at least 1"),
        ({"step": 0.0}, "step = 0 must be above 0"),
    ],
)
@pytest.mark.parametrize("name", ATTACKS)
def test_what_makes_no_sense_is_one_line(name: str, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UnsupportedSettings, match=said):
        perturbed(name, Tiny(), **changes)
    with pytest.raises(UnsupportedSettings, match=said):
        attack.EACH[name](
            Tiny(),
            pictures(),
            LABELS,
            [changes.get("strength", 1.0)],
            settings=replace(SETTINGS, **changes),
        )


def test_no_strengths_and_no_gradient_are_one_line() -> None:
    for each in attack.EACH.values():
        with pytest.raises(UnsupportedSettings, match="strengths: none is given"):
            each(Tiny(), pictures(), LABELS, [], settings=SETTINGS)

    class Deaf(Tiny):
        def forward(self, images: Tensor) -> Tensor:
            return super().forward(images.detach())

    with pytest.raises(UnsupportedSettings, match="no gradient with respect to its images"):
        perturbed("fgsm", Deaf())
    with pytest.raises(UnsupportedSettings, match="no gradient"), semi_backward(deaf := Deaf()):
        perturbed("fgsm", deaf)


def test_the_adapter_says_what_it_does_not_do() -> None:
    with pytest.raises(UnsupportedSettings, match="works on cpu, cuda only, not mps"):
        perturbed("fgsm", Tiny(), device="mps")
    settings = Settings(None, None, None, None, 3, (3, 8, 8), 4, "float32", "cpu")
    with pytest.raises(UnsupportedSettings, match="attacks defended networks"):
        Sap().build("fgsm", Tiny(), settings)
