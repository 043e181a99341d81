"""The CPU that plays a GPU: it refuses what CUDA refuses, and takes what CUDA takes."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor, nn

from tests.fake_cuda import DEVICE, needs, played, played_gpu

pytestmark = played_gpu
CUDA_FLOATS: Any = torch.cuda.FloatTensor  # type: ignore[attr-defined]
CPU_FLOATS: Any = torch.FloatTensor
MIXED = "Expected all tensors to be on the same device"


@pytest.fixture
def gpu() -> Iterator[None]:
    with played():
        yield


def here(*shape: int) -> Tensor:
    return torch.rand(shape)


def there(*shape: int) -> Tensor:
    return torch.rand(shape, device=DEVICE)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "arithmetic": (lambda: there(2) + here(2), f"{MIXED}, but found at least two"),
    "the other way round": (lambda: here(2) * there(2), f"{MIXED}, but found at least two"),
    "a CPU vector beside a GPU scalar": (lambda: there().mul(here(2)), MIXED),
    "comparison": (lambda: there(2) == here(2), MIXED),
    "in place": (lambda: there(2).add_(here(2)), MIXED),
    "in place on a CPU scalar": (lambda: here().add_(there()), MIXED),
    "a mask of the CPU to choose by": (lambda: torch.where(here(2) > 0, there(2), there(2)), MIXED),
    "out=": (lambda: torch.add(there(2), there(2), out=here(2)), MIXED),
    "two scalars at once": (
        lambda: torch.addcmul(there(2), here(), here()),
        "too many CPU scalars",
    ),
    "cat": (lambda: torch.cat([there(2), here(2)]), r"got tensors is on cpu.*wrapper_CUDA_cat"),
    "stack of scalars": (lambda: torch.stack([there(), here()]), MIXED),
    "a matrix product": (lambda: there(2, 2) @ here(2, 2), r"got mat2 is on cpu.*wrapper_CUDA_mm"),
    "a dot product with a scalar": (lambda: torch.dot(there(1), here(1)), MIXED),
    "index_select": (
        lambda: there(3).index_select(0, torch.tensor([0])),
        "got index is on cpu.*wrapper_CUDA__index_select",
    ),
    "gather": (lambda: there(3).gather(0, torch.tensor([0])), MIXED),
    "scatter": (lambda: there(3).scatter(0, torch.tensor([0]), 1.0), MIXED),
    "equal": (lambda: torch.equal(there(2), here(2)), MIXED),
    "a GPU index into a CPU tensor": (
        lambda: here(3)[torch.tensor([0], device=DEVICE)],
        r"indices should be either on cpu or .* indexed tensor \(cpu\)",
    ),
    "a GPU mask into a CPU tensor": (lambda: here(3)[there(3) > 0.5], "indices should be"),
    "writing by a GPU mask into a CPU tensor": (
        lambda: here(3).__setitem__(there(3) > -1, 1.0),
        "indices should be|expected self and mask",
    ),
    "writing a CPU vector by an index": (
        lambda: there(3).__setitem__(torch.tensor([0, 1]), here(2)),
        MIXED,
    ),
    "masked_fill": (
        lambda: there(2).masked_fill(here(2) > 0, 0.0),
        "expected self and mask to be on the same device, but got mask on cpu and self on cuda:0",
    ),
    "a loss": (lambda: nn.functional.cross_entropy(there(2, 3), torch.tensor([0, 1])), MIXED),
    "a linear layer": (lambda: nn.Linear(2, 2).to(DEVICE)(here(1, 2)), MIXED),
    "a convolution": (
        lambda: nn.Conv2d(1, 1, 1).to(DEVICE)(here(1, 1, 2, 2)),
        r"Input type \(torch.FloatTensor\) and weight type \(torch.cuda.FloatTensor\) should be",
    ),
    "a convolution on the CPU": (
        lambda: nn.Conv2d(1, 1, 1)(there(1, 1, 2, 2)),
        r"Input type \(torch.cuda.FloatTensor\) and weight type \(torch.FloatTensor\) should be",
    ),
    "batch norm": (lambda: nn.BatchNorm2d(1).eval()(there(2, 1, 2, 2)), MIXED),
    "a gradient of the other device": (
        lambda: setattr(there(2), "grad", here(2)),
        "assign a gradient with device type 'cpu' to a tensor with device type 'cuda'",
    ),
    "a second GPU": (lambda: here(2).to("cuda:1"), "invalid device ordinal"),
    "set_device of a second GPU": (lambda: torch.cuda.set_device(1), "invalid device ordinal"),
    "cuda of the CPU": (lambda: there(2).cuda("cpu"), "must be cuda device"),
    "pinning what is there": (lambda: there(2).pin_memory(), "cannot pin 'torch.cuda.FloatTensor'"),
    "the CPU's generator, drawing there": (
        lambda: torch.rand(2, device=DEVICE, generator=torch.Generator()),
        "Expected a 'cuda' device type for generator but found 'cpu'",
    ),
    "the GPU's generator, drawing here": (
        lambda: here(2).uniform_(generator=torch.Generator(DEVICE)),
        "Expected a 'cpu' device type for generator but found 'cuda'",
    ),
    "the CPU's generator, to permute there": (
        lambda: torch.randperm(3, device=DEVICE, generator=torch.Generator()),
        "Expected a 'cuda' device type for generator",
    ),
    "another device's hook": (lambda: hooked(lambda gradient: gradient + here(2)), MIXED),
    "foreach": (lambda: torch._foreach_add([there(2), there(2)], [there(2), here(2)]), MIXED),
}


def hooked(hook: Callable[[Tensor], Tensor]) -> Tensor | None:
    """The gradient of a leaf with a hook."""
    leaf = there(2).requires_grad_()
    leaf.register_hook(hook)
    leaf.sum().backward()
    return leaf.grad


@pytest.mark.parametrize("what", REFUSED)
def test_cuda_refuses(what: str, gpu: None) -> None:
    do, said = REFUSED[what]
    with pytest.raises(RuntimeError, match=said):
        do()


@pytest.mark.parametrize(
    "read",
    [
        lambda tensor: tensor.numpy(),
        numpy.asarray,
        numpy.array,
        lambda tensor: numpy.all([tensor, tensor]),
        lambda tensor: numpy.clip(tensor, 0, 1),
    ],
    ids=["numpy()", "asarray", "array", "all of a list", "clip"],
)
def test_numpy_reads_no_tensor_of_the_gpu(read: Callable[[Tensor], object], gpu: None) -> None:
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
        read(there(2) > 0)
    read((there(2) > 0).cpu())


TAKEN: dict[str, Callable[[], Tensor]] = {
    "a CPU scalar": lambda: there(2) + here(),
    "a CPU scalar before": lambda: here() * there(2),
    "a number": lambda: 2 * there(2) - 1,
    "a comparison with a CPU scalar": lambda: there(2) > here(),
    "two CPU scalars to choose from": lambda: torch.where(there(2) > 0.5, here(), here()),
    "a CPU index": lambda: there(3)[torch.tensor([0, 2])],
    "a CPU mask": lambda: there(3)[torch.tensor([True, False, True])],
    "a list as an index": lambda: there(3)[[0, 2]],
    "a factory": lambda: torch.zeros(2, device=DEVICE),
    "a device object": lambda: torch.ones(2, device=torch.device(DEVICE)),
    "a number as a device": lambda: here(2).to(0),
    "the current GPU": lambda: torch.arange(3, device="cuda"),
    "a torch.device block": lambda: in_a_block(),
    "zeros_like": lambda: torch.zeros_like(there(2)),
    "rand_like of the CPU": lambda: torch.rand_like(here(2), device=DEVICE),
    "new_zeros": lambda: there(2).new_zeros(3),
    "new_tensor": lambda: there(2).new_tensor([1.0, 2.0]),
    "new": lambda: there(2).new(3),
    "tensor": lambda: torch.tensor([1.0], device=DEVICE),
    "tensor of a tensor": lambda: torch.tensor(there(2)),
    "as_tensor": lambda: torch.as_tensor(numpy.ones(2), device=DEVICE),
    "from_numpy, moved": lambda: torch.from_numpy(numpy.ones(2)).to(DEVICE),
    "to": lambda: here(2).to(DEVICE),
    "to by name": lambda: here(2).to(device=DEVICE, dtype=torch.float64),
    "to of a dtype": lambda: there(2).to(torch.float64),
    "to like another": lambda: here(2).to(there(1)),
    "cuda": lambda: here(2).cuda(),
    "cuda of a device": lambda: here(2).cuda(torch.device(DEVICE)),
    "type": lambda: here(2).type(CUDA_FLOATS),
    "type in words": lambda: here(2).type("torch.cuda.DoubleTensor"),
    "type of a dtype": lambda: there(2).type(torch.float64),
    "type_as": lambda: here(2).type_as(there(2)),
    "copy_ from the CPU": lambda: there(2).copy_(here(2)),
    "a slice written from the CPU": lambda: written(there(3), slice(0, 2), here(2)),
    "a CPU scalar written by a mask": lambda: written(
        there(2), torch.tensor([True, False]), here()
    ),
    "filling with a CPU scalar": lambda: there(2).masked_fill(there(2) > 0.5, here()),
    "a view": lambda: there(2, 2).view(4)[1:].detach().data,
    "expand_as the CPU's": lambda: there(1).expand_as(here(3)),
    "one-hot": lambda: nn.functional.one_hot(torch.tensor([1], device=DEVICE), 3),
    "a copy": lambda: copy.deepcopy(there(2)),
    "a parameter": lambda: nn.Parameter(there(2)),
    "a buffer of a copied module": lambda: copied_buffer(),
    "the GPU's generator": lambda: torch.rand(
        2, device=DEVICE, generator=torch.Generator(DEVICE).manual_seed(1)
    ),
    "torch.func.grad": lambda: torch.func.grad(lambda x: (x * x).sum())(there(2)),
    "autograd.grad": lambda: gradient_of(lambda x: (x * x).sum()),
    "a gradient through select": lambda: gradient_of(lambda x: next(iter(x.unbind()))),
}


def in_a_block() -> Tensor:
    with torch.device(DEVICE):
        return torch.zeros(2)


def written(tensor: Tensor, index: Any, value: Tensor) -> Tensor:
    tensor[index] = value
    return tensor


def copied_buffer() -> Tensor:
    found = copy.deepcopy(nn.BatchNorm1d(2).to(DEVICE)).running_mean
    assert found is not None
    return found


def gradient_of(function: Callable[[Tensor], Tensor]) -> Tensor:
    leaf = there(2).requires_grad_()
    (found,) = torch.autograd.grad(function(leaf), leaf)
    return found


@pytest.mark.parametrize("what", TAKEN)
def test_cuda_takes_and_the_result_is_there(what: str, gpu: None) -> None:
    found = TAKEN[what]()
    assert found.is_cuda
    assert not found.is_cpu
    assert found.device == torch.device(DEVICE)
    assert found.get_device() == 0
    assert found.type().startswith("torch.cuda.")
    assert (found + found).is_cuda


ON_THE_CPU: dict[str, Callable[[], Tensor]] = {
    "cpu": lambda: there(2).cpu(),
    "to": lambda: there(2).to("cpu"),
    "to like another": lambda: there(2).to(here(1)),
    "type": lambda: there(2).type(CPU_FLOATS),
    "type_as": lambda: there(2).type_as(here(2)),
    "from_numpy": lambda: torch.from_numpy(numpy.ones(2)),
    "a factory": lambda: torch.zeros(2),
    "zeros_like": lambda: torch.zeros_like(there(2), device="cpu"),
    "a list of the GPU's scalars": lambda: torch.tensor([there(), there()]),
    "copy_ to the CPU": lambda: here(2).copy_(there(2)),
    "a slice written from the GPU": lambda: written(here(3), slice(0, 2), there(2)),
    "an element by a GPU scalar": lambda: here(3)[torch.tensor(1, device=DEVICE)],
    "numpy by force": lambda: torch.from_numpy(there(2).numpy(force=True)),
}


@pytest.mark.parametrize("what", ON_THE_CPU)
def test_what_is_on_the_cpu_can_be_read_there(what: str, gpu: None) -> None:
    found = ON_THE_CPU[what]()
    assert found.is_cpu
    assert found.device == torch.device("cpu")
    assert (found + torch.ones(found.shape)).numpy().shape == found.shape


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
