"""An assertion about an attack that never was one fails, and says what was seen in its place."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from bench.testing import assertions
from bench.testing.assertions import Attack

IMAGES, LABELS = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)), torch.arange(2)
Logits = Callable[[Tensor], Tensor]


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))


MODEL = network()
COPY = copy.deepcopy(MODEL)


def by_grad(logits: Logits) -> Attack:
    """An attack that asks for the images' gradient alone."""

    def attack(images: Tensor, labels: Tensor) -> Tensor:
        images.requires_grad_()
        loss = nn.functional.cross_entropy(logits(images), labels)
        (gradient,) = torch.autograd.grad(loss, images)
        return (images + 0.1 * gradient.sign()).detach()

    return attack


def by_backward(logits: Logits) -> Attack:
    """One that has everybody's computed."""

    def attack(images: Tensor, labels: Tensor) -> Tensor:
        images.requires_grad_()
        nn.functional.cross_entropy(logits(images), labels).backward()
        assert images.grad is not None
        return (images + 0.1 * images.grad.sign()).detach()

    return attack


def swallows(attack: Attack) -> Attack:
    """One that returns the images as they were where anything goes wrong."""

    def run(images: Tensor, labels: Tensor) -> Tensor:
        before = images.clone()
        try:
            return attack(images, labels)
        except RuntimeError:
            return before

    return run


def transposed(images: Tensor) -> Tensor:
    """A call of the model that fails."""
    found: Tensor = MODEL(images.transpose(1, 3))
    return found


class Breaks(torch.autograd.Function):
    """What can't be differentiated."""

    @staticmethod
    def forward(ctx: object, images: Tensor) -> Tensor:
        return images.clone()

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> Tensor:
        raise RuntimeError("no way back")


def broken(images: Tensor) -> Tensor:
    found: Tensor = MODEL(Breaks.apply(images))  # type: ignore[no-untyped-call]
    return found


def noise(images: Tensor, labels: Tensor) -> Tensor:
    return images + 0.1 * torch.rand_like(images)


def unchanged(images: Tensor, labels: Tensor) -> Tensor:
    return images


@torch.no_grad()
def by_queries(images: Tensor, labels: Tensor) -> Tensor:
    tried = images + 0.1
    worse = nn.functional.cross_entropy(MODEL(tried), labels)
    return tried if worse > nn.functional.cross_entropy(MODEL(images), labels) else images - 0.1


def by_a_surrogate(images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        MODEL(images)
    return by_grad(COPY)(images, labels)


def held(attack: Attack, model: nn.Module = MODEL, *, black_box: bool = False) -> None:
    assertions.assert_no_parameter_gradients(attack, model, IMAGES, LABELS, black_box=black_box)


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        (by_grad(COPY), "never called the model it was given: it called a copy of the model (`"),
        (by_grad(nn.Sequential(nn.Flatten(), nn.Linear(48, 2))), "called a second network, Seq"),
        (noise, "never called the model it was given, so nothing was checked"),
        (swallows(by_grad(lambda images: MODEL(images.view(1)))), "never called the model it was"),
        (swallows(by_grad(transposed)), "called the model once, but asked for no gradient, so"),
        (swallows(by_grad(broken)), "but no gradient came of it: autograd raised, and the attack"),
        (swallows(torch.no_grad()(by_backward(MODEL))), "RuntimeError: element 0 of tensors does"),
        (by_queries, "2 times, but asked for no gradient (2 of these calls recorded no graph"),
        (
            by_a_surrogate,
            "once, but the one gradient call it made leads elsewhere: it called a copy",
        ),
    ],
)
def test_an_attack_that_asks_for_no_gradient_of_the_model_proves_nothing(
    attack: Attack, said: str
) -> None:
    with pytest.raises(AssertionError, match=re.escape(said)):
        held(attack)


@pytest.mark.parametrize(
    "logits",
    [
        MODEL,
        MODEL.forward,
        nn.DataParallel(MODEL),
        lambda images: MODEL[3](MODEL[2](MODEL[1](MODEL[0](images)))),
        lambda images: MODEL[0](images).flatten(1),
        lambda images: checkpoint(MODEL, images, use_reentrant=False),
    ],
    ids=["called", "forward", "parallel", "by its parts", "one part", "checkpointed"],
)
def test_however_it_is_called_a_gradient_through_it_counts(logits: Logits) -> None:
    held(by_grad(logits))
    held(assertions.frozen(by_backward(logits), MODEL))
    with pytest.raises(AssertionError, match=r"gradients of \d of 4 parameters and reads none"):
        held(by_backward(logits))


@pytest.mark.skipif(not hasattr(torch, "func"), reason="torch.func is of torch 2.0")
def test_torch_func_differentiates_through_it_too() -> None:
    def attack(images: Tensor, labels: Tensor) -> Tensor:
        def loss(image: Tensor, label: Tensor) -> Tensor:
            return nn.functional.cross_entropy(MODEL(image[None]), label[None])

        found: Tensor = torch.func.vmap(torch.func.grad(loss))(images, labels)
        return images + found.sign()

    held(attack)


@pytest.mark.skipif(
    not hasattr(getattr(torch, "compiler", None), "set_stance"), reason="before torch 2.6 it hides"
)
def test_it_is_seen_in_what_was_compiled_of_it_and_more() -> None:
    @torch.compile(backend="eager")
    def logits(images: Tensor) -> Tensor:
        found: Tensor = MODEL(images)
        return 2 * found

    held(by_grad(logits))
    held(assertions.frozen(by_backward(logits), MODEL))
    with pytest.raises(AssertionError, match="4 of 4 parameters"):
        held(by_backward(logits))


def test_a_black_box_attack_is_declared_and_need_only_call_the_model() -> None:
    held(by_queries, black_box=True)
    held(by_a_surrogate, black_box=True)
    with pytest.raises(AssertionError, match="never called the model"):
        held(noise, black_box=True)
    with pytest.raises(AssertionError, match="4 of 4 parameters"):
        held(by_backward(MODEL), black_box=True)
    with pytest.raises(AssertionError, match="let the error out"):
        held(swallows(torch.no_grad()(by_backward(MODEL))), black_box=True)


def test_parameters_that_are_not_the_models_are_found() -> None:
    def of_a_copy(images: Tensor, labels: Tensor) -> Tensor:
        inside = copy.deepcopy(MODEL)
        return by_backward(inside)(images, labels)

    hidden = [network()]

    def beside_the_model(images: Tensor, labels: Tensor) -> Tensor:
        return by_backward(lambda x: MODEL(x) + hidden[0](x))(images, labels)

    with pytest.raises(
        AssertionError,
        match=r"gradients of 4 parameters that are not the model's \(a copy of the model \(.*"
        r"; it never called the model it was given\. .* semi_backward\(model, ",
    ):
        held(of_a_copy)
    with pytest.raises(AssertionError, match=r"4 of 4 parameters .* and of 4 parameters that are"):
        held(beside_the_model)
    with pytest.raises(AssertionError, match="gradients of 4 parameters that are not the model's"):
        held(assertions.frozen(beside_the_model, MODEL))


def test_what_an_attack_reads_is_not_said_to_be_unread() -> None:
    def reads(images: Tensor, labels: Tensor) -> Tensor:
        by_backward(MODEL)(images, labels)
        found = next(MODEL.parameters()).grad
        assert found is not None
        return images + found.sum()

    with pytest.raises(AssertionError, match=r"of which it reads some \(test_nothing_checked\.py"):
        held(reads)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (unchanged, unchanged, "both attacks return the images unchanged, so nothing was compared"),
        (
            *(swallows(by_grad(transposed)), swallows(by_grad(transposed))),
            "both attacks return the images unchanged",
        ),
        (
            *(by_grad(COPY), assertions.frozen(by_grad(COPY), MODEL)),
            "the second attack never called the model it was given: it called a copy of the model",
        ),
    ],
)
def test_two_attacks_that_do_nothing_are_not_the_same(
    first: Attack, second: Attack, said: str
) -> None:
    with pytest.raises(AssertionError, match=said):
        assertions.assert_same(first, second, IMAGES, LABELS)


def test_a_model_that_is_named_must_be_called_by_both() -> None:
    ours = by_grad(MODEL)
    assertions.assert_same(ours, by_backward(MODEL), IMAGES, LABELS, model=MODEL)
    with pytest.raises(AssertionError, match="the second attack never called the model"):
        assertions.assert_same(ours, by_grad(COPY), IMAGES, LABELS, model=MODEL)
    with pytest.raises(AssertionError, match="the first attack never called the model"):
        assertions.assert_ratio(noise, noise, IMAGES, LABELS, at_least=0.1, model=MODEL)


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        (
            unchanged,
            "the first attack called no model and returned the images unchanged, so nothing",
        ),
        (swallows(torch.no_grad()(by_backward(MODEL))), "unchanged: autograd raised, and the"),
        (assertions.frozen(by_grad(COPY), MODEL), "never called the model it was given: it called"),
    ],
)
def test_the_time_of_what_is_no_attack_is_no_ratio(attack: Attack, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        assertions.assert_ratio(attack, attack, IMAGES, LABELS, at_least=0.1)
