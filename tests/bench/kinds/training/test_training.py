"""Adversarial training: the methods, their steps with and without the trick, to the end."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from adapters import losses, reference
from adapters.papers import building, training
from adapters.papers.methods import METHODS
from bench.cases import BASELINE, SEMI_BACKWARD, Case, Comparison
from bench.kinds.images.building.models import Built
from bench.kinds.training import building as workloads
from bench.kinds.training.building import TrainingWorkload
from bench.worker import checks, state
from semibackward import semi_backward
from tests.cases import changed, small_training
from tests.places import ATTACKS
from tests.rounding_layers import Another, Rounding, Scaled

pytestmark = pytest.mark.usefixtures("one_thread")


def built(asked: Case) -> TrainingWorkload:
    made = workloads.build(Comparison(asked, SEMI_BACKWARD), seed=0)
    state.settle()  # as a worker does, so that no run walks through all of pytest
    return made


@pytest.mark.parametrize(
    ("asked", "before", "after"),
    [
        (small_training("natural"), 1, 1),
        (small_training("pgd"), 3, 1),
        (small_training("pgd", attack="pgd-autograd-grad"), 1, 1),
        (small_training("pgd", "deeprobust", "pgd"), 3, 1),
        (small_training("pgd", "foolbox", "pgd"), 3, 1),
        (small_training("pgd", "art", "pgd"), 3, 1),
        (small_training("pgd", "torchattacks", "pgd"), 1, 1),
        (small_training("mart", "advertorch", "pgd"), 3, 1),
        (small_training("fast", "cleverhans", "pgd"), 2, 1),
        (small_training("trades"), 3, 1),
        (small_training("trades", attack="pgd-autograd-grad"), 1, 1),
        (small_training("free"), 1, 1),
    ],
    ids=lambda value: value.what if isinstance(value, Case) else "",
)
def test_a_step_gives_the_same_weights_and_leaves_out_what_nobody_reads(
    asked: Case, before: int, after: int
) -> None:
    made = built(asked)
    start = torch.cat([tensor.flatten().double() for _, tensor in made.start])
    found = checks.check(made)
    assert found.equality.bitwise, found.unequal
    assert not torch.equal(made.output(SEMI_BACKWARD), start[: made.output(BASELINE).numel()])
    assert found.gradients is not None
    assert (found.gradients["passes original"], found.gradients["passes semi-backward"]) == (
        before,
        after,
    )
    assert found.theory is not None
    gained = before > after
    assert (found.theory["speedup"] > 1.05) == gained  # type: ignore[operator]
    assert found.warnings == []


def test_a_library_may_be_a_users_own_function() -> None:
    spec = str(ATTACKS) + ":fgsm"
    made = built(changed(small_training("pgd", "user", spec), steps=None, step_size=None))
    assert checks.check(made).equality.bitwise
    assert made.passes_predict is None


def rounds(function: type[torch.autograd.Function]) -> Callable[[Case, int, Tensor], Built]:
    def build(case: Case, seed: int, images: Tensor) -> Built:
        torch.manual_seed(seed)
        model = nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=2),
            nn.BatchNorm2d(6),
            Scaled(function=function, images=True),
            nn.Flatten(),
            nn.Linear(6 * 15 * 15, 10),
        )
        return Built(model, model)

    return build


@pytest.mark.parametrize(("function", "level"), [(Rounding, "rounding"), (Another, "different")])
def test_weights_after_a_step_have_the_same_levels(
    function: type[torch.autograd.Function], level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workloads, "build_model", rounds(function))
    asked = changed(small_training("pgd", "user", f"{ATTACKS}:along"), steps=None, step_size=None)
    made = built(asked)
    found = checks.gate(made)
    assert found.equality.level == level
    assert found.equality.layers == ({"2": "Scaled"} if level == "rounding" else {})
    assert (found.unequal is None) == (level == "rounding")
    assert all(parameter.requires_grad for parameter in made.model.parameters())


def test_theory_is_the_papers() -> None:
    for k in (1, 5, 20):
        assert METHODS["pgd"].theory(k) == pytest.approx((3 * k + 3) / (2 * k + 3))
    assert METHODS["natural"].theory(None) == METHODS["free"].theory(None) == 1.0
    assert METHODS["trades"].theory(7) == pytest.approx((3 * 7 + 7) / (2 * 7 + 7))


def test_the_flops_of_a_step_agree_with_the_theory() -> None:
    found = checks.check(built(small_training("pgd", k=5))).theory
    assert found is not None
    # The first layer needs no output gradient when weights are trained: a little less than a pass.
    assert found["speedup"] == pytest.approx(found["passes"], rel=0.05)


class Linear(nn.Module):
    """Logits without a hidden layer, so that gradients can be written down."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(12, 4)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layer(images.flatten(1))
        return logits


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.rand(5, 3, 2, 2), torch.tensor([0, 1, 2, 3, 0])


def test_free_training_descends_and_ascends_from_one_pass(pair: tuple[Tensor, Tensor]) -> None:
    """Shafahi et al. 2019, algorithm 1, written out for a linear model."""
    images, labels = pair
    model = Linear()
    weight, bias = (p.detach().clone() for p in model.parameters())
    free = training.Free(
        model, torch.optim.SGD(model.parameters(), lr=0.1), contextlib.nullcontext, eps=0.1
    )
    delta = torch.zeros_like(images)
    for _ in range(3):
        free.step(images, labels)
        flat = (images + delta).clamp(0, 1).flatten(1)
        wrong = functional.softmax(flat @ weight.T + bias, dim=1) - functional.one_hot(labels, 4)
        inside = ((images + delta >= 0) & (images + delta <= 1)).float()
        ascent = (wrong @ weight).view_as(images) * inside
        weight, bias = weight - 0.1 * wrong.T @ flat / 5, bias - 0.1 * wrong.mean(0)
        delta = (delta + 0.1 * ascent.sign()).clamp(-0.1, 0.1)
        assert free.perturbation is not None
        assert torch.equal(free.perturbation, delta)
        assert torch.allclose(model.layer.weight, weight, atol=1e-6)
    assert delta.abs().max() == pytest.approx(0.1)


def test_free_training_needs_both_gradients_so_a_frozen_one_trains_nothing(
    pair: tuple[Tensor, Tensor],
) -> None:
    model = Linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    free = training.Free(model, optimizer, contextlib.nullcontext, eps=0.1)
    before = model.layer.weight.detach().clone()
    with semi_backward(model), contextlib.suppress(RuntimeError):
        free.step(*pair)
    assert torch.equal(model.layer.weight, before)
    free.step(*pair)
    assert not torch.equal(model.layer.weight, before)


def test_trades_is_its_papers_loss(pair: tuple[Tensor, Tensor]) -> None:
    """Zhang et al. 2019, eq. 5, image by image."""
    images, labels = pair
    model = Linear()
    torch.manual_seed(2)
    start = images + reference.START * torch.randn_like(images)

    def divergence(perturbed: Tensor) -> Tensor:
        clean = functional.softmax(model(images), dim=1).detach()
        return (clean * (clean.log() - functional.log_softmax(model(perturbed), dim=1))).sum()

    adversarial = start
    for _ in range(2):
        at = adversarial.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(divergence(at), at)
        moved = (at + 0.05 * gradient.sign() - images).clamp(-0.1, 0.1)
        adversarial = (images + moved).clamp(0, 1).detach()
    expected = (
        torch.stack(
            [
                -functional.log_softmax(model(x), dim=1)[0, y]
                + losses.TRADES_BETA * _kl(model(x)[0], model(x_)[0])
                for x, x_, y in zip(images.split(1), adversarial.split(1), labels, strict=True)
            ]
        )
        .mean()
        .detach()
    )
    torch.manual_seed(2)
    trades = training.Trades(
        model,
        torch.optim.SGD(model.parameters(), lr=0.1),
        lambda: semi_backward(model),
        reference.by_backward,
        eps=0.1,
        step_size=0.05,
        steps=2,
    )
    assert float(trades.step(images, labels)) == pytest.approx(float(expected), rel=1e-5)


def test_mart_is_its_papers_loss(pair: tuple[Tensor, Tensor]) -> None:
    """Wang et al. 2020, eq. 11, image by image."""
    images, labels = pair
    model = Linear()
    moved = (images + 0.05).clamp(0, 1)
    told = []
    for x, x_, y in zip(images.split(1), moved.split(1), labels, strict=True):
        clean, attacked = (functional.softmax(model(i)[0], dim=0) for i in (x, x_))
        others = max(float(p) for c, p in enumerate(attacked) if c != y)
        boosted = -math.log(float(attacked[y])) - math.log(1.0001 - others)
        weighted = float(_kl(model(x)[0], model(x_)[0])) * (1 - float(clean[y]))
        told.append(boosted + losses.MART_BETA * weighted)
    mart = training.Mart(
        model,
        torch.optim.SGD(model.parameters(), lr=0.1),
        contextlib.nullcontext,
        lambda images, labels: moved,
    )
    assert float(mart.step(images, labels)) == pytest.approx(sum(told) / 5, rel=1e-5)


def _kl(logits: Tensor, others: Tensor) -> Tensor:
    clean = functional.softmax(logits, dim=0)
    return (clean * (clean.log() - functional.log_softmax(others, dim=0))).sum()


def test_the_attack_runs_in_eval_mode_and_the_update_in_train_mode() -> None:
    stem = nn.Conv2d(3, 2, 1)
    model = nn.Sequential(stem, nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 4))
    seen: list[tuple[bool, bool]] = []
    model[1].register_forward_pre_hook(
        lambda module, inputs: seen.append((module.training, stem.weight.requires_grad))
    )

    def attack(images: Tensor, labels: Tensor) -> Tensor:
        model(images)
        return images

    made = training.Adversarial(
        model,
        torch.optim.SGD(model.parameters(), lr=0.1),
        lambda: semi_backward(model),
        attack,
    )
    made.step(torch.rand(4, 3, 2, 2), torch.tensor([0, 1, 2, 3]))
    assert seen == [(False, False), (True, True)]


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [building.learning_rate(update, 100) for update in range(100)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(building.LEARNING_RATE)
    assert 28 <= top <= 31
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert 0 < min(rates) < 0.05 * max(rates)
    assert 0 < building.learning_rate(0, 1) <= building.LEARNING_RATE
