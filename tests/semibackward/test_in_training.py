"""`semi_backward` in the middle of training code: what would be lost in silence is an error."""

from __future__ import annotations

import contextlib
import copy
import threading

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from semibackward import semi_backward
from tests.semibackward.frozen_models import (
    LOST,
    attack,
    equal,
    flags,
    gradients,
    since,
)

# A graph from before


def test_backward_of_a_graph_from_before_is_refused(model: nn.Sequential) -> None:
    loss = model(torch.rand(2, 6)).sum()
    with semi_backward(model), pytest.raises(RuntimeError, match=LOST):
        loss.backward(retain_graph=True)
    assert not gradients(model)
    loss.backward()
    assert len(gradients(model)) == 4


def test_a_graph_from_before_stays_refused_until_the_last_block_ends(model: nn.Sequential) -> None:
    loss = model(torch.rand(2, 6)).sum()
    first, second = contextlib.ExitStack(), contextlib.ExitStack()
    first.enter_context(semi_backward(model))
    second.enter_context(semi_backward(model))
    first.close()
    with pytest.raises(RuntimeError, match=LOST):
        loss.backward(retain_graph=True)
    second.close()
    loss.backward()
    assert len(gradients(model)) == 4


def test_a_graph_built_between_two_nested_blocks_is_refused(model: nn.Sequential) -> None:
    with semi_backward(model):
        model.requires_grad_(True)
        loss = model(torch.rand(2, 6)).sum()
        with semi_backward(model), pytest.raises(RuntimeError, match=LOST):
            loss.backward(retain_graph=True)
        loss.backward()
        assert len(gradients(model)) == 4


def test_parameters_switched_on_inside_may_be_trained(model: nn.Sequential) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = model(torch.rand(2, 6)).sum()
    with semi_backward(model):
        model.requires_grad_(True)
        loss.backward()
        optimizer.step()
    assert len(gradients(model)) == 4


def test_nothing_is_watched_after_the_block(model: nn.Sequential) -> None:
    loss = model(torch.rand(2, 6)).sum()
    with semi_backward(model):
        pass
    model.requires_grad_(False)
    loss.backward()
    assert not gradients(model)


def test_a_graph_from_before_may_be_asked_for_the_gradient_of_its_input(
    model: nn.Sequential,
) -> None:
    images = torch.rand(2, 6, requires_grad=True)
    loss = model(images).sum()
    (expected,) = torch.autograd.grad(loss, images, retain_graph=True)
    with semi_backward(model):
        assert torch.equal(torch.autograd.grad(loss, images, retain_graph=True)[0], expected)
        loss.backward(inputs=[images], retain_graph=True)
        assert torch.equal(images.grad, expected)  # type: ignore[arg-type]
        with pytest.raises(RuntimeError, match="does not require grad"):
            torch.autograd.grad(loss, list(model.parameters()))


def test_a_graph_of_another_model_may_be_used(model: nn.Sequential) -> None:
    other = nn.Linear(6, 1)
    loss = other(torch.rand(2, 6)).sum()
    with semi_backward(model):
        loss.backward()
    assert len(gradients(other)) == 2


# Optimizers


@since(2, 0)
def test_a_step_over_frozen_parameters_is_refused(model: nn.Sequential) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model(torch.rand(2, 6)).sum().backward()
    before = copy.deepcopy(model.state_dict())
    with semi_backward(model), pytest.raises(RuntimeError, match="step after the block"):
        optimizer.step()
    assert equal(list(before.values()), list(model.state_dict().values()))
    optimizer.step()
    assert not torch.equal(before["0.weight"], model.state_dict()["0.weight"])


def test_optimizers_without_frozen_parameters_may_step(model: nn.Sequential) -> None:
    other, noise = nn.Linear(6, 6), torch.zeros(2, 6, requires_grad=True)
    trains_other = torch.optim.SGD(other.parameters(), lr=0.1)
    with semi_backward(model):
        moves_noise = torch.optim.Adam([noise], lr=0.1)
        model(other(torch.rand(2, 6)) + noise).square().sum().backward()
        moves_noise.step()
        trains_other.step()
    assert bool(noise.any())


def test_parameters_frozen_before_are_no_reason_to_refuse_a_step(model: nn.Sequential) -> None:
    model[0].requires_grad_(False)
    optimizer = torch.optim.SGD([*model[0].parameters()], lr=0.1)
    with semi_backward(model):
        optimizer.step()


@since(2, 0)
def test_no_optimizer_is_watched_after_the_last_block(model: nn.Sequential) -> None:
    from torch.optim import optimizer

    for _ in range(2):
        with semi_backward(model), semi_backward(model):
            assert len(optimizer._global_optimizer_pre_hooks) == 1
        assert not optimizer._global_optimizer_pre_hooks


def test_an_adversarial_training_step_is_the_same(model: nn.Sequential) -> None:
    images, twin = torch.rand(4, 6), copy.deepcopy(model)
    for trained, block in ((model, semi_backward(model)), (twin, contextlib.nullcontext())):
        optimizer = torch.optim.Adam(trained.parameters(), lr=0.1)
        for _ in range(3):
            with block:
                adversarial = attack(trained, images)
            optimizer.zero_grad(set_to_none=True)
            trained(adversarial).square().sum().backward()
            optimizer.step()
    assert equal(list(model.parameters()), list(twin.parameters()))


# A loss from inside, used after


def test_a_loss_from_inside_is_loud_after_the_block(model: nn.Sequential) -> None:
    with semi_backward(model):
        loss = model(torch.rand(2, 6)).sum()
    with pytest.raises(RuntimeError, match="does not require grad"):
        loss.backward()


def test_a_loss_from_inside_gives_its_input_alone_a_gradient(model: nn.Sequential) -> None:
    images = torch.rand(2, 6, requires_grad=True)
    with semi_backward(model):
        loss = model(images).sum()
    loss.backward()
    assert images.grad is not None
    assert not gradients(model)


# Checkpointing


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointing_inside_a_block(model: nn.Sequential, reentrant: bool) -> None:
    def run(images: Tensor) -> Tensor:
        hidden = checkpoint(model[0], images, use_reentrant=reentrant)
        return model[2](checkpoint(model[1], hidden, use_reentrant=reentrant))  # type: ignore

    images = torch.rand(2, 6)
    expected = attack(run, images)
    assert len(gradients(model)) == 4
    with semi_backward(model):
        assert torch.equal(attack(run, images), expected)
    assert not gradients(model)


@pytest.mark.parametrize("reentrant", [True, False])
def test_a_checkpointed_graph_from_before_is_refused(model: nn.Sequential, reentrant: bool) -> None:
    images = torch.rand(2, 6, requires_grad=True)
    loss = model[2](checkpoint(model[:2], images, use_reentrant=reentrant)).sum()
    with semi_backward(model), pytest.raises(RuntimeError, match=LOST):
        loss.backward()


def test_a_reentrant_checkpoint_runs_the_model_as_it_is_when_it_goes_back(
    model: nn.Sequential,
) -> None:
    """Its graph knows no parameter, so neither order can be refused; docs/using.md says so."""
    images = torch.rand(2, 6, requires_grad=True)
    before = checkpoint(model, images, use_reentrant=True).sum()
    with semi_backward(model):
        before.backward()
        inside = checkpoint(model, images, use_reentrant=True).sum()
    assert not gradients(model)
    inside.backward()
    assert len(gradients(model)) == 4


@since(2, 0)
def test_another_checkpoint_can_not_go_back_after_the_block(model: nn.Sequential) -> None:
    with semi_backward(model):
        images = torch.rand(2, 6, requires_grad=True)
        loss = checkpoint(model, images, use_reentrant=False).sum()
    with pytest.raises(RuntimeError, match="recomput"):
        loss.backward()


# Threads, and what happens half-way


def test_threads_may_share_one_block_object(model: nn.Sequential) -> None:
    """The second to enter finds one parameter more; it stays frozen until that one leaves."""
    block, entered, left = semi_backward(model), threading.Event(), threading.Event()

    def work() -> None:
        with block:
            entered.set()
            left.wait(10)
            seen.append(any(flags(model)))

    seen: list[bool] = []
    thread = threading.Thread(target=work)
    with block:
        model.append(nn.Linear(4, 4))
        thread.start()
        entered.wait(10)
    left.set()
    thread.join()
    assert seen == [False]
    assert flags(model) == [True] * 6


@since(2, 0)
def test_what_was_done_is_undone_if_entering_fails(model: nn.Sequential) -> None:
    from torch.optim import optimizer

    with torch.inference_mode():
        broken = nn.Linear(2, 2)
    embedding = nn.Embedding(3, 6)
    with (
        pytest.raises(RuntimeError, match="outside of it"),
        semi_backward(embedding, model, broken, evaluating=True),
    ):
        raise AssertionError
    assert flags(model) == [True] * 4
    assert model.training
    assert not embedding._forward_hooks
    assert not optimizer._global_optimizer_pre_hooks


def test_a_decorated_method_may_call_itself(model: nn.Sequential) -> None:
    class Attack:
        @semi_backward(model)
        def run(self, steps: int) -> list[bool]:
            deeper = self.run(steps - 1) if steps else []
            return [*deeper, any(flags(model))]

    assert Attack().run(2) == [False] * 3
    assert all(flags(model))
