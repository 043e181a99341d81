"""Every kernel, held to the rules of devices; what it makes lies where CUDA's would."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tests.fake_cuda import rules
from tests.fake_cuda.places import on_gpu, put
from tests.fake_cuda.rules import Given


class Kernels(TorchDispatchMode):
    """Sees what reaches a kernel, below autograd: passes backward too."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._making_on_gpu = False

    @contextlib.contextmanager
    def making_on(self, gpu: bool) -> Iterator[None]:
        """Where, inside the block, what is made of no tensor lies: torch's functions make what they
        need beside their arguments on the device of these."""
        before, self._making_on_gpu = self._making_on_gpu, gpu
        try:
            yield
        finally:
            self._making_on_gpu = before

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunction():
            places = {on_gpu(tensor) for tensor in among((*args, *kwargs.values()))}
            gpu = True in places or (not places and self._making_on_gpu)
            if len(places) > 1:
                given = list(_given(func, args, kwargs))
                rules.check(func, given)
                gpu = rules.result_on_gpu(func, given)
            made = func(*args, **kwargs)
            if gpu:
                _put(func, made)
        return made


def among(values: Sequence[Any]) -> Iterator[Tensor]:
    """The tensors among arguments, those in lists too."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from (inner for inner in value if isinstance(inner, Tensor))


def _given(kernel: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Iterator[Given]:
    for place, argument in enumerate(kernel._schema.arguments):
        value = args[place] if place < len(args) else kwargs.get(argument.name)
        written = argument.alias_info is not None and argument.alias_info.is_write
        if isinstance(value, Tensor):
            yield Given(argument.name, None, value, written)
        elif isinstance(value, (list, tuple)):
            for position, inner in enumerate(value):
                if isinstance(inner, Tensor):
                    yield Given(argument.name, position, inner, written)


def _put(kernel: Any, made: Any) -> None:
    """On the GPU, but for what shares the memory of an argument, which lies where that does."""
    fresh = _fresh(kernel)
    values = [made] if len(fresh) == 1 else made
    for value, is_fresh in zip(values or (), fresh, strict=False):
        if is_fresh:
            for tensor in among([value]):
                put(tensor, True)


@functools.cache
def _fresh(kernel: Any) -> tuple[bool, ...]:
    return tuple(described.alias_info is None for described in kernel._schema.returns)
