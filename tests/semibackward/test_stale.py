"""Who reads parameter gradients inside a block is told, and nothing is changed by it."""

from __future__ import annotations

import contextlib
import copy
import pickle
import sys
import threading
import warnings
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from semibackward import semi_backward
from tests.semibackward.frozen_models import since, small_model

READ = r"the \.grad of a frozen parameter is read"


@pytest.fixture
def trained() -> nn.Sequential:
    """A model with gradients of an earlier step."""
    model = small_model()
    model(torch.rand(2, 6)).sum().backward()
    return model


@contextlib.contextmanager
def told() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield found


def norm(model: nn.Module) -> Tensor:
    return torch.stack([p.grad.sum() for p in model.parameters() if p.grad is not None]).sum()


def test_a_read_is_told_once_a_block_with_its_line(trained: nn.Sequential) -> None:
    with told() as found:
        for _ in range(2):
            with semi_backward(trained):
                norm(trained)
                norm(trained)
    assert [warning.filename for warning in found] == [__file__, __file__]
    assert {warning.lineno for warning in found} == {norm.__code__.co_firstlineno + 1}
    assert all("not for semi_backward()" in str(warning.message) for warning in found)


def test_clipping_reads_for_who_calls_it(trained: nn.Sequential) -> None:
    with semi_backward(trained), pytest.warns(UserWarning, match=READ) as found:
        clip_grad_norm_(trained.parameters(), 1.0)
    assert found[0].filename == __file__


def written(model: nn.Sequential) -> None:
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    norm(model)


def accumulated(model: nn.Sequential) -> None:
    model.requires_grad_(True)
    model(torch.rand(2, 6)).sum().backward()
    model.requires_grad_(False)
    norm(model)


def thawed(model: nn.Sequential) -> None:
    model.requires_grad_(True)
    norm(model)


@pytest.mark.parametrize(
    "inside",
    [
        lambda model: model.zero_grad(),
        lambda model: model.zero_grad(set_to_none=False),
        lambda model: torch.optim.SGD(model.parameters(), lr=0.1).zero_grad(),
        copy.deepcopy,
        pickle.dumps,
        lambda model: model.double(),
        lambda model: norm(small_model_with_gradients()),
        written,
        accumulated,
        thawed,
    ],
    ids=[
        *("zero", "in place", "optimizer", "copy", "pickle", "cast", "another", "written"),
        *("accumulated", "thawed"),
    ],
)
def test_what_reads_no_old_gradient_is_not_told(
    trained: nn.Sequential, inside: Callable[[nn.Sequential], object]
) -> None:
    with told() as found, semi_backward(trained):
        inside(trained)
    assert found == []


def small_model_with_gradients() -> nn.Sequential:
    model = small_model()
    model(torch.rand(2, 6)).sum().backward()
    return model


def test_the_gradients_are_what_they_were(trained: nn.Sequential) -> None:
    before = [parameter.grad for parameter in trained.parameters()]
    first = next(trained.parameters())
    with told(), semi_backward(trained):
        assert all(p.grad is g for p, g in zip(trained.parameters(), before, strict=True))
        with pytest.raises(TypeError, match="to be a Tensor or None"):
            first.grad = 3  # type: ignore[assignment]
        del first.grad
        assert first.grad is None
    assert "grad" not in vars(nn.Parameter)


def test_without_old_gradients_torch_is_as_it_was() -> None:
    with semi_backward(small_model()):
        assert "grad" not in vars(nn.Parameter)


def test_frozen_in_turn_by_two_blocks(trained: nn.Sequential) -> None:
    first, second = contextlib.ExitStack(), contextlib.ExitStack()
    first.enter_context(semi_backward(trained))
    trained.requires_grad_(True)
    second.enter_context(semi_backward(trained))
    first.close()
    second.close()
    assert "grad" not in vars(nn.Parameter)
    assert all(parameter.requires_grad for parameter in trained.parameters())


def test_another_threads_read_is_told(trained: nn.Sequential) -> None:
    with told() as found, semi_backward(trained):
        thread = threading.Thread(target=norm, args=(trained,))
        thread.start()
        thread.join()
    assert len(found) == 1


@since(2, 12)
def test_what_is_compiled_is_not_compiled_again(trained: nn.Sequential) -> None:
    from torch._dynamo.utils import counters

    def gradient_norm(images: Tensor) -> Tensor:
        total: Tensor = trained(images).sum() + norm(trained)
        return total

    torch._dynamo.reset()
    images = torch.rand(2, 6)
    compiled = torch.compile(gradient_norm, backend="eager")
    seen = []
    with told():
        for _ in range(3):
            with semi_backward(trained):
                frozen = compiled(images)
            assert torch.equal(frozen, compiled(images))
            seen.append(counters["frames"]["total"])
    assert seen[1] == seen[2]
    torch._dynamo.reset()


def parameter_gradients(model: nn.Module, images: Tensor) -> object:
    return torch.autograd.grad(model(images).sum(), list(model.parameters()))


def weight_gradient(model: nn.Module, images: Tensor) -> object:
    model(images.requires_grad_()).sum().backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    return gradients[0].norm()  # type: ignore[union-attr]


def no_gradient_at_all(model: nn.Module, images: Tensor) -> object:
    return [value.norm() for value in [None]]  # type: ignore[attr-defined]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have no notes")
@pytest.mark.parametrize(
    ("attack", "said"),
    [
        (parameter_gradients, "the parameters are frozen, and only what depends on an input"),
        (weight_gradient, "a frozen parameter gets no gradient"),
    ],
)
def test_errors_of_attacks_that_need_them_are_explained(
    model: nn.Sequential, attack: Callable[[nn.Module, Tensor], object], said: str
) -> None:
    with pytest.raises((RuntimeError, AttributeError)) as error:  # noqa: SIM117
        with semi_backward(model), semi_backward(model):
            attack(model, torch.rand(2, 6))
    (note,) = getattr(error.value, "__notes__")  # noqa: B009 - not in every Python's types
    assert said in note
    assert "not for semi_backward()" in note


def test_other_errors_are_left_alone(model: nn.Sequential) -> None:
    with pytest.raises(AttributeError) as error, semi_backward(model):
        no_gradient_at_all(model, torch.rand(2, 6))
    assert not getattr(error.value, "__notes__", None)
