"""The tensors among a call's arguments, or in what it returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

_functorch: Any = getattr(torch._C, "_functorch", None)
"""Of torch 2.0 and newer."""


def tensors_in(value: object) -> Iterator[Tensor]:
    """Every tensor in a value, in its order, through lists, tuples, mappings and dataclasses."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from tensors_in(list(value.values()))
    elif isinstance(value, tuple | list):
        for one in value:
            yield from tensors_in(one)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from tensors_in([getattr(value, one.name) for one in dataclasses.fields(value)])


def unwrapped(tensor: Tensor) -> Iterator[Tensor]:
    """The tensor, and what `torch.func` has wrapped in it, one in the other."""
    yield tensor
    while _functorch is not None and _functorch.is_functorch_wrapped_tensor(tensor):
        tensor = _functorch.get_unwrapped(tensor)
        yield tensor


def whole(tensor: Tensor) -> Tensor:
    """What `torch.func` has wrapped, the tensor itself outside of it; a batch that it maps is all
    of it."""
    *_, found = unwrapped(tensor)
    return found
