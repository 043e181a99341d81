"""The bytes that one operation reads and writes at least once: its arguments and its results.

A lower bound on what goes through a device's memory. A kernel may read an argument twice, and
caches may keep a result from ever getting there; none of that is seen from here. What touches part
of a tensor, as a scatter in place, counts it whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

_WRITES_NOTHING = frozenset(
    {
        *("empty", "empty_like", "empty_strided", "empty_permuted", "new_empty"),
        *("new_empty_strided", "set_", "resize_", "resize_as_"),
    }
)
"""They make or change a tensor, not what is in it."""
_FIRST_UNREAD = frozenset(
    {
        *("zeros_like", "ones_like", "full_like", "rand_like", "randn_like", "randint_like"),
        *("new_zeros", "new_ones", "new_full"),
        *("zero_", "fill_", "copy_", "normal_", "uniform_", "random_", "bernoulli_"),
        *("exponential_", "log_normal_", "cauchy_", "geometric_"),
    }
)
"""Their first argument gives a shape, or is written over."""
_PICKS = frozenset({"embedding", "index", "index_select", "gather", "take", "_unsafe_index"})
"""They read of their first argument as much as they return."""


def moved(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> int:
    """Bytes that an operation read and wrote.

    Args:
        function: what was dispatched, an `OpOverload` that is no view.
        args, kwargs: what it was given.
        out: what it returned; of an operation in place the argument that it wrote to.
    """
    name = function.overloadpacket.__name__
    if name in _WRITES_NOTHING:
        return 0
    written = list(_tensors(out))
    unread = _unread(name, args)
    given = [value for place, value in enumerate(args) if place not in unread]
    read = list(_tensors((*given, *kwargs.values())))
    # Of a view that its schema does not call one, as `_unsafe_view`, nothing was moved.
    if not function._schema.is_mutable and _shared(read, written):
        return 0
    if name in _PICKS and read:
        return _once(read[1:]) + min(_size(read[0]), _once(written)) + _once(written)
    return _once(read) + _once(written)


def _unread(name: str, args: tuple[Any, ...]) -> frozenset[int]:
    """Positions of arguments that an operation need not read for what it was asked."""
    if name in _FIRST_UNREAD:
        return frozenset({0})
    if name in _BACKWARD:
        return frozenset(_BACKWARD[name](args))
    return frozenset()


def _of_convolution(args: tuple[Any, ...]) -> Iterator[int]:
    """(grad_output, input, weight, ..., mask): the input is for the gradient of the weight, and the
    weight for that of the input."""
    of_input, of_weight, _ = args[-1]
    if not of_weight:
        yield 1
    if not of_input:
        yield 2


def _of_batch_norm(args: tuple[Any, ...]) -> Iterator[int]:
    """(grad_out, input, weight, running_mean, running_var, save_mean, save_invstd, train, eps,
    mask, ...): in eval mode the input and its mean are for the gradient of the weight alone."""
    train, _, (_, of_weight, _), *_ = args[7:]
    if not train:
        yield from (5, 6)  # of the batch
        if not of_weight:
            yield from (1, 3)


_BACKWARD: dict[str, Callable[[tuple[Any, ...]], Iterable[int]]] = {
    "convolution_backward": _of_convolution,
    "native_batch_norm_backward": _of_batch_norm,
    "batch_norm_backward": _of_batch_norm,
}


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _tensors(one)


def _once(tensors: Iterable[Tensor]) -> int:
    """Of tensors, each memory once."""
    return sum({_place(tensor): _size(tensor) for tensor in tensors}.values())


def _place(tensor: Tensor) -> tuple[int, ...]:
    if tensor.layout != torch.strided or type(tensor) not in (Tensor, torch.nn.Parameter):
        return (id(tensor),)
    return tensor.data_ptr(), *tensor.shape


def _size(tensor: Tensor) -> int:
    """Bytes that lie in memory: what was expanded lies there once."""
    if tensor.layout == torch.sparse_coo:
        return _size(tensor._values()) + _size(tensor._indices())
    if tensor.layout != torch.strided or 0 not in tensor.stride():
        return tensor.numel() * tensor.element_size()
    count = tensor.element_size() if tensor.numel() else 0
    for length, stride in zip(tensor.shape, tensor.stride(), strict=True):
        count *= length if stride else 1
    return count


def _shared(read: Iterable[Tensor], written: Iterable[Tensor]) -> bool:
    """Whether a result lies where an argument does."""
    places = {_place(tensor)[0] for tensor in read if tensor.numel()}
    return any(_place(tensor)[0] in places for tensor in written if tensor.numel())
