"""One table each of what CUDA refuses, what it takes, and what stays on the CPU."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor, nn

from tests.fake_cuda import DEVICE, played_gpu
from tests.fake_cuda.tensors import gradient_of, here, hooked, there

pytestmark = played_gpu
CUDA_FLOATS: Any = torch.cuda.FloatTensor  # type: ignore[attr-defined]
CPU_FLOATS: Any = torch.FloatTensor
MIXED = "Expected all tensors to be on the same device"


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
