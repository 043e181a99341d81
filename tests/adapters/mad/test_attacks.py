"""Attacks: the seed's PGD, CW in a ball, and each that networks are judged by."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from adapters import reference, registry
from adapters.base import Settings, UnsupportedSettings
from adapters.papers.mad.attacks import cw_linf, evaluating, inside, pgd_of, stepping
from adapters.papers.mad.finetuning import optimizer_of, training_of
from adapters.papers.mad.layers import layers_of
from adapters.papers.mad.methods import EVALUATED, LONG_STEPS
from adapters.papers.mad.pruning import kept_of, put_on
from adapters.papers.methods import METHODS
from semibackward import semi_backward
from tests.adapters.mad.networks import LABELS, Many, asked, pictures

pytestmark = pytest.mark.usefixtures("one_thread")

EPS = 0.12
CLASSES = 4


@pytest.fixture(scope="module")
def trained(one_thread: None) -> tuple[nn.Module, Tensor, Tensor]:
    """A small network, and images that it knows well but for attacks."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(64) % CLASSES
    centres = 0.3 + 0.4 * torch.rand(CLASSES, 3, 9, 9, generator=generator)
    noise = 0.3 * torch.randn(64, 3, 9, 9, generator=generator)
    images = (centres[labels] + noise).clamp(0, 1)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(243, 16), nn.ReLU(), nn.Linear(16, CLASSES))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    for _ in range(40):
        optimizer.zero_grad()
        functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
    return network.eval(), images, labels


def right(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    with torch.no_grad():
        return float((network(images).argmax(1) == labels).double().mean())


def test_pgd_goes_as_the_seed_sets_it() -> None:
    told = stepping(asked(eps=0.03, steps=10))
    assert told == replace(asked(0.03, 10), step_size=2.3 * 0.03 / 10, random_start=True)


@pytest.mark.parametrize("library", ["torchattacks", "reference"])
def test_a_library_is_asked_for_its_pgd_with_these_settings(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = registry.get(library)
    seen: list[tuple[str, Settings]] = []
    build = type(adapter).build

    def spied(self: object, attack: str, model: nn.Module, told: Settings) -> object:
        seen.append((attack, told))
        return build(adapter, attack, model, told)

    monkeypatch.setattr(type(adapter), "build", spied)
    torch.manual_seed(0)
    found = inside(library, Many(), asked(EPS, 3))(pictures(), LABELS)
    assert seen == [(pgd_of(library), stepping(asked(EPS, 3)))]
    assert 0 < float((found - pictures()).abs().max()) <= EPS + 1e-6


@pytest.mark.parametrize(("eps", "steps"), [(None, 10), (0.03, None), (0.03, 0)])
def test_pgd_without_a_ball_or_steps_is_refused(eps: float | None, steps: int | None) -> None:
    with pytest.raises(UnsupportedSettings, match="the radius of a ball and a number of steps"):
        stepping(asked(eps, steps))


def test_a_library_without_pgd_in_a_ball_is_refused_in_one_line() -> None:
    with pytest.raises(UnsupportedSettings, match=r"^mad has no pgd in a ball to train with$"):
        pgd_of("mad")


@pytest.mark.parametrize("attack", EVALUATED)
def test_each_attack_to_judge_by_fools_within_the_ball_and_the_box(
    attack: str, trained: tuple[nn.Module, Tensor, Tensor]
) -> None:
    network, images, labels = (trained[0], *(one[:12] for one in trained[1:]))
    torch.manual_seed(0)
    found = evaluating(attack, network, asked(EPS, 3, CLASSES))(images, labels)
    assert found.shape == images.shape
    assert not found.requires_grad
    assert float((found - images).abs().max()) <= EPS + 1e-6
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    assert right(network, found, labels) < right(network, images, labels) - 0.1


def test_cw_fools_at_least_as_often_as_one_step(
    trained: tuple[nn.Module, Tensor, Tensor],
) -> None:
    network, images, labels = trained
    assert right(network, images, labels) > 0.9
    torch.manual_seed(0)
    by_cw = cw_linf(network, images, labels, eps=EPS)
    by_fgsm = evaluating("fgsm", network, asked(EPS, None, CLASSES))(images, labels)
    assert right(network, by_cw, labels) <= right(network, by_fgsm, labels)


def test_cw_takes_steps_of_pgds_length(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, object]] = []
    ascend = reference.ascend

    def spied(*given: object, **told: object) -> object:
        seen.append(told)
        return ascend(*given, **told)  # type: ignore[arg-type]

    monkeypatch.setattr(reference, "ascend", spied)
    evaluating("cw-linf", Many(), asked(EPS, 3))(pictures(), LABELS)
    (told,) = seen
    assert told["steps"] == LONG_STEPS == 30
    assert told["eps"] == EPS
    assert told["step_size"] == pytest.approx(2.3 * EPS / 30)


def test_cw_leaves_images_that_are_misclassified_where_they_began() -> None:
    network, images = nn.Flatten(), torch.full((1, 1, 1, 4), 0.5)
    images[..., 1] = 0.9
    torch.manual_seed(0)
    found = cw_linf(network, images, torch.tensor([0]), eps=0.1)
    torch.manual_seed(0)
    start = images + torch.empty_like(images).uniform_(-0.1, 0.1)
    assert torch.allclose(found, start.clamp(0, 1))


def test_cw_finds_the_same_with_frozen_parameters_and_fills_no_gradient(
    trained: tuple[nn.Module, Tensor, Tensor],
) -> None:
    network, images, labels = trained
    network.zero_grad(set_to_none=True)
    torch.manual_seed(0)
    found = cw_linf(network, images, labels, eps=EPS, steps=4)
    torch.manual_seed(0)
    with semi_backward(network):
        same = cw_linf(network, images, labels, eps=EPS, steps=4)
    assert torch.equal(found, same)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_unknown_attacks_and_a_ball_without_radius_are_refused_in_one_line() -> None:
    with pytest.raises(UnsupportedSettings, match="there is no attack 'deepfool' to judge by"):
        evaluating("deepfool", Many(), asked())
    with pytest.raises(UnsupportedSettings, match="cw-linf needs the radius of a ball"):
        evaluating("cw-linf", Many(), asked(eps=None))


@pytest.mark.parametrize("library", ["torchattacks", "reference"])
@pytest.mark.parametrize("method", ["natural", "pgd", "trades", "mart"])
def test_every_method_trains_a_pruned_network_on_with_its_zeros_held(
    method: str, library: str
) -> None:
    assert method in METHODS
    made = []
    for frozen in (False, True):
        network = Many()
        kept = kept_of(layers_of(network, pictures()), "magnitude", 0.5, [], seed=0)
        put_on(network, kept)
        before = network.head.weight.detach().clone()
        freezing = (lambda network=network: semi_backward(network)) if frozen else nullcontext
        optimizer = optimizer_of(network, kept, rate=0.01)
        training = training_of(network, optimizer, method, library, asked(EPS, 2), freezing)
        torch.manual_seed(0)
        for _ in range(2):
            training.step(pictures(), LABELS)
        assert not torch.equal(network.head.weight, before)
        weights = dict(network.named_parameters())
        assert not any(bool(weights[name][~mask].any()) for name, mask in kept.items())
        made.append(weights)
    original, semi = made
    assert all(torch.equal(original[name], semi[name]) for name in original)
