"""Where tensors lie. A storage of the GPU carries a tag; every other one is the CPU's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch._C import _functorch

CPU = torch.device("cpu")
CUDA = torch.device("cuda", 0)
_TAG = "_played_on_the_gpu"


def on_gpu(tensor: Tensor) -> bool:
    """Whether a tensor lies on the GPU."""
    return _TAG in vars(_storage(tensor))


def put(tensor: Tensor, gpu: bool) -> Tensor:
    """Say where a tensor's storage lies, which must be nobody else's yet; the tensor."""
    tags = vars(_storage(tensor))
    if gpu:
        tags[_TAG] = True
    else:
        tags.pop(_TAG, None)
    return tensor


def moved(tensor: Tensor, gpu: bool) -> Tensor:
    """The tensor on the other device, a copy whose gradient comes back to where it was; itself if
    it is there already."""
    if on_gpu(tensor) == gpu:
        return tensor
    copy: Tensor = _Moved.apply(tensor, gpu)  # type: ignore[no-untyped-call]
    return copy


def device_of(tensor: Tensor) -> torch.device:
    """What `tensor.device` is; asked where the function mode is off."""
    return CUDA if on_gpu(tensor) else tensor.device


def asks_for_gpu(device: object) -> bool | None:
    """Whether what a caller gave as a device is the GPU; None if it is neither that nor the CPU.

    Raises:
        RuntimeError: it is a GPU that is not there.
    """
    found = torch.device("cuda", device) if isinstance(device, int) else torch.device(str(device))
    if found.type == "cuda" and found.index not in (None, 0):
        raise RuntimeError("CUDA error: invalid device ordinal")
    return {"cuda": True, "cpu": False}.get(found.type)


def is_device(value: object) -> bool:
    """Whether an argument names a device."""
    return isinstance(value, (torch.device, str, int)) and not isinstance(value, bool)


def _storage(tensor: Tensor) -> Any:
    while _functorch.is_functorch_wrapped_tensor(tensor):
        tensor = _functorch.get_unwrapped(tensor)
    return tensor.untyped_storage()


class _Moved(torch.autograd.Function):
    @staticmethod
    def forward(tensor: Tensor, gpu: bool) -> Tensor:
        return put(tensor.detach().clone(), gpu)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, bool], output: Tensor) -> None:
        ctx.gpu = on_gpu(inputs[0])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return moved(gradient, ctx.gpu), None
