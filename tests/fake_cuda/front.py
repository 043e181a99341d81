"""What Python sees of devices: where a tensor is, copies between devices, factories, NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from tests.fake_cuda.kernels import Kernels, among
from tests.fake_cuda.places import (
    CUDA,
    asks_for_gpu,
    device_of,
    is_device,
    moved,
    on_gpu,
    put,
)
from tests.fake_cuda.rules import type_name

Call = Callable[..., Any]
Args = tuple[Any, ...]
Keywords = dict[str, Any]


class Front(TorchFunctionMode):
    """Answers for the GPU; the rest goes on to torch, with the CPU for a device."""

    def __init__(self, kernels: Kernels) -> None:
        super().__init__()
        self.kernels = kernels

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        with self.kernels.making_on(any(map(on_gpu, among((*args, *kwargs.values()))))):
            return _RULES.get(func, _made)(func, args, kwargs)


def _made(func: Call, args: Args, kwargs: Keywords) -> Any:
    """What a function makes, on the device that it was asked to."""
    gpu = None if kwargs.get("device") is None else asks_for_gpu(kwargs["device"])
    if kwargs.get("generator") is not None:
        _same_device(kwargs["generator"], bool(gpu) or any(map(on_gpu, among(args))))
    if gpu is None:
        return func(*args, **kwargs)
    made = func(*args, **{**kwargs, "device": "cpu"})
    return put(made, gpu) if isinstance(made, Tensor) else made


def _same_device(generator: torch.Generator, gpu: bool) -> None:
    wanted = "cuda" if gpu else "cpu"
    if generator.device.type != wanted:
        raise RuntimeError(
            f"Expected a '{wanted}' device type for generator but found '{generator.device.type}'"
        )


def _device(func: Call, args: Args, kwargs: Keywords) -> torch.device:
    return device_of(args[0])


def _is_cuda(func: Call, args: Args, kwargs: Keywords) -> bool:
    return on_gpu(args[0])


def _is_cpu(func: Call, args: Args, kwargs: Keywords) -> bool:
    return device_of(args[0]).type == "cpu"


def _get_device(func: Call, args: Args, kwargs: Keywords) -> int:
    return 0 if on_gpu(args[0]) else -1


def _to(func: Call, args: Args, kwargs: Keywords) -> Any:
    tensor, *rest = args
    words = dict(kwargs)
    first = rest[0] if rest else None
    if isinstance(first, Tensor) or "other" in words:
        other = rest.pop(0) if isinstance(first, Tensor) else words.pop("other")
        gpu: bool | None = on_gpu(other)
        found = func(tensor, other, *rest, **words)
    elif is_device(first):
        gpu = asks_for_gpu(first)
        found = func(tensor, first if gpu is None else "cpu", *rest[1:], **words)
    else:
        device = words.get("device")
        gpu = None if device is None else asks_for_gpu(device)
        if gpu is not None:
            words["device"] = "cpu"
        found = func(tensor, *rest, **words)
    return found if gpu is None else moved(found, gpu)


def _cuda(func: Call, args: Args, kwargs: Keywords) -> Tensor:
    device = args[1] if len(args) > 1 else kwargs.get("device")
    if device is not None and not asks_for_gpu(device):
        raise RuntimeError(f"Invalid device, must be cuda device, got {torch.device(device).type}")
    return moved(args[0], True)


def _cpu(func: Call, args: Args, kwargs: Keywords) -> Tensor:
    return moved(func(*args, **kwargs), False)


def _type(func: Call, args: Args, kwargs: Keywords) -> Any:
    """A name without an argument, else the tensor as another type, whose device goes with it."""
    tensor, *rest = args
    words = dict(kwargs)
    kind = rest.pop(0) if rest else words.pop("dtype", None)
    if kind is None:
        return type_name(func(tensor), on_gpu(tensor))
    if isinstance(kind, torch.dtype):
        return func(tensor, kind, *rest, **words)
    text = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__name__}"
    made = func(tensor, type_name(text, False), *rest, **words)
    return moved(made, text.startswith("torch.cuda."))


def _type_as(func: Call, args: Args, kwargs: Keywords) -> Tensor:
    other = args[1] if len(args) > 1 else kwargs["other"]
    return moved(func(*args, **kwargs), on_gpu(other))


def _numpy(func: Call, args: Args, kwargs: Keywords) -> Any:
    tensor, *rest = args
    if on_gpu(tensor):
        if not kwargs.get("force"):
            raise TypeError(
                f"can't convert {CUDA} device type tensor to numpy. Use Tensor.cpu() to copy the"
                " tensor to host memory first."
            )
        tensor = moved(tensor.detach(), False)
    return func(tensor, *rest, **kwargs)


def _grad(func: Call, args: Args, kwargs: Keywords) -> Tensor | None:
    """Where its tensor is: the engine brings gradients of CPU scalars back from the GPU."""
    found: Tensor | None = func(*args)
    return None if found is None else put(found, on_gpu(args[0]))


def _set_grad(func: Call, args: Args, kwargs: Keywords) -> None:
    tensor, gradient = args
    if isinstance(gradient, Tensor) and on_gpu(gradient) != on_gpu(tensor):
        raise RuntimeError(
            f"attempting to assign a gradient with device type '{device_of(gradient).type}' to a"
            f" tensor with device type '{device_of(tensor).type}'. Please ensure that the gradient"
            " and the tensor are on the same device"
        )
    func(*args)


def _like_itself(func: Call, args: Args, kwargs: Keywords) -> Any:
    """New memory, filled below the dispatcher, on the device of the tensor it is asked of."""
    if kwargs.get("device") is not None:
        return _made(func, args, kwargs)
    return put(func(*args, **kwargs), on_gpu(args[0]))


def _as_tensor(func: Call, args: Args, kwargs: Keywords) -> Tensor:
    """A tensor as it is, or moved; on the GPU never the memory of a NumPy array."""
    device = kwargs.get("device")
    gpu = None if device is None else asks_for_gpu(device)
    found: Tensor = func(*args, **kwargs if gpu is None else {**kwargs, "device": "cpu"})
    return found if gpu is None else moved(found, gpu)


def _copy_into(func: Call, args: Args, kwargs: Keywords) -> Tensor:
    tensor, *rest = args
    words = dict(kwargs)
    source = rest.pop(0) if rest else words.pop("src")
    here: Tensor = func(tensor, moved(source, on_gpu(tensor)), *rest, **words)
    return here


def _holds_tensors(index: object) -> bool:
    return any(True for _ in among(index if isinstance(index, tuple) else (index,)))


def _set_item(func: Call, args: Args, kwargs: Keywords) -> None:
    """A slice is copied into, from any device; so is a value without dimensions."""
    tensor, index, value = args
    if isinstance(value, Tensor) and (value.dim() == 0 or not _holds_tensors(index)):
        value = moved(value, on_gpu(tensor))
    func(tensor, index, value)


def _pin_memory(func: Call, args: Args, kwargs: Keywords) -> Tensor:
    tensor: Tensor = args[0]
    if on_gpu(tensor):
        kind = type_name(tensor.type(), True)
        raise RuntimeError(f"cannot pin '{kind}' only dense CPU tensors can be pinned")
    return tensor.clone()


def _parse_to(func: Call, args: Args, kwargs: Keywords) -> Any:
    """What `nn.Module.to` asks: of a tensor it reads the device."""
    given = tuple(
        torch.device("cuda", value) if is_device(value) and isinstance(value, int) else value
        for value in args
    )
    device, *rest = func(*given, **kwargs)
    for tensor in among((*args, *kwargs.values())):
        device = device_of(tensor)
    return (device, *rest)


_RULES: dict[Any, Callable[[Call, Args, Keywords], Any]] = {
    Tensor.device.__get__: _device,
    Tensor.is_cuda.__get__: _is_cuda,  # type: ignore[attr-defined]
    Tensor.is_cpu.__get__: _is_cpu,  # type: ignore[attr-defined]
    Tensor.grad.__get__: _grad,  # type: ignore[union-attr]
    Tensor.grad.__set__: _set_grad,  # type: ignore[union-attr]
    Tensor.get_device: _get_device,
    torch.get_device: _get_device,
    Tensor.to: _to,
    Tensor.cuda: _cuda,
    Tensor.cpu: _cpu,
    Tensor.type: _type,
    Tensor.type_as: _type_as,
    Tensor.numpy: _numpy,
    Tensor.__array__: _numpy,
    Tensor.new: _like_itself,
    Tensor.new_tensor: _like_itself,
    Tensor.__deepcopy__: _like_itself,
    torch.as_tensor: _as_tensor,
    torch.asarray: _as_tensor,
    Tensor.copy_: _copy_into,
    Tensor.__setitem__: _set_item,
    Tensor.pin_memory: _pin_memory,
    torch._C._nn._parse_to: _parse_to,
}
