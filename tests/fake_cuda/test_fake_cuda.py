"""Moves, gradients, modules and optimizers on the CPU that plays a GPU, and how it ends."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor, nn

from tests.fake_cuda import DEVICE, needs, played, played_gpu
from tests.fake_cuda.tensors import gradient_of, here, hooked, there

pytestmark = played_gpu


def test_a_move_is_a_copy_and_none_where_nothing_moves(gpu: None) -> None:
    tensor = here(2)
    moved = tensor.to(DEVICE)
    moved.zero_()
    assert tensor.all()
    assert moved.to(DEVICE) is moved
    assert moved.cuda() is moved
    assert tensor.cpu() is tensor
    array = numpy.ones(2)
    torch.as_tensor(array, device=DEVICE).zero_()
    assert array.all()


def test_gradients_come_back_to_where_their_tensors_are(gpu: None) -> None:
    leaf = here(2).requires_grad_()
    scalar = here().requires_grad_()
    weight = there(2).requires_grad_()
    (leaf.to(DEVICE) * weight * scalar).sum().backward()
    assert leaf.grad is not None
    assert scalar.grad is not None
    assert weight.grad is not None
    assert (leaf.grad.is_cuda, scalar.grad.is_cuda, weight.grad.is_cuda) == (False, False, True)
    leaf.grad.numpy()


def test_hooks_see_gradients_on_the_gpu(gpu: None) -> None:
    seen: list[torch.device] = []

    def look(gradient: Tensor) -> Tensor:
        seen.append(gradient.device)
        return gradient + torch.zeros(2, device=gradient.device)

    layer = nn.Linear(2, 1).to(DEVICE)
    layer.register_full_backward_hook(
        lambda module, inputs, outputs: seen.append(outputs[0].device)  # type: ignore[index]
    )
    assert hooked(look) is not None
    layer(there(1, 2).requires_grad_()).sum().backward()
    assert seen == [torch.device(DEVICE)] * 2


def test_a_custom_function_saves_and_makes_tensors_on_the_gpu(gpu: None) -> None:
    seen: list[bool] = []

    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, tensor: Tensor) -> Tensor:
            ctx.save_for_backward(tensor)
            return tensor * 2

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            (saved,) = ctx.saved_tensors
            seen.extend([saved.is_cuda, gradient.is_cuda])
            return gradient * torch.full((2,), 2.0, device=saved.device)

    apply: Any = Doubled.apply
    assert gradient_of(lambda x: apply(x).sum()).is_cuda
    assert seen == [True, True]


def test_a_module_moves_with_its_parameters_buffers_and_gradients(gpu: None) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    model(here(3, 2)).sum().backward()
    for device in (DEVICE, "cpu"):
        model.to(device)
        tensors = [*model.parameters(), *model.buffers()]
        tensors += [p.grad for p in model.parameters() if p.grad is not None]
        assert len(tensors) == 11
        assert {tensor.device for tensor in tensors} == {torch.device(device)}


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop])
def test_an_optimizer_steps_there_as_on_the_cpu(kind: Any) -> None:
    def stepped(device: str) -> Tensor:
        torch.manual_seed(0)
        layer = nn.Linear(3, 2).to(device)
        optimizer = kind(layer.parameters(), lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            layer(torch.ones(1, 3, device=device)).square().sum().backward()
            optimizer.step()
        return layer.weight.detach().cpu()

    expected = stepped("cpu")
    with played():
        found = stepped(DEVICE).numpy()
    assert numpy.array_equal(found, expected.numpy())


def test_what_is_computed_there_is_what_the_cpu_computes() -> None:
    def computed(device: str) -> Any:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten())
        model = model.to(device).eval()
        images = torch.rand(2, 1, 6, 6, device=device).requires_grad_()
        nn.functional.cross_entropy(model(images), torch.tensor([0, 1], device=device)).backward()
        assert images.grad is not None
        return images.grad.cpu().numpy()

    expected = computed("cpu")
    with played():
        found = computed(DEVICE)
    assert numpy.array_equal(found, expected)


def test_everything_patched_is_put_back() -> None:
    from tests.fake_cuda import machine

    def state() -> list[object]:
        watched = [
            getattr(module, name) for module, all_ in machine._ANSWERS.items() for name in all_
        ]
        return [*watched, torch.Generator, torch.autograd.Variable._execution_engine]

    before = state()
    inside: list[object] = []
    with contextlib.suppress(ZeroDivisionError), played():
        assert torch.cuda.is_available()
        inside = state()
        raise ZeroDivisionError
    assert all(one is not other for one, other in zip(before, inside, strict=True))
    assert all(one is other for one, other in zip(before, state(), strict=True))
    assert numpy.asarray(torch.zeros(2)).shape == (2,)
    assert not torch.overrides._get_current_function_mode_stack()


def test_a_torch_without_its_table_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    assert needs.lacking() is None
    monkeypatch.setattr(needs, "table", lambda: None)
    assert "table of operations" in str(needs.lacking())
    monkeypatch.setattr(torch, "__version__", "1.13.1")
    assert "newer" in str(needs.lacking())
