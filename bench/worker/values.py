"""The numbers in tensors and arrays: copied once, looked at after every run, put back if changed.

A GPU's copies lie in the machine's own memory, so that runs on it have theirs; whether a tensor
there has changed is told by a digest, which is made where it lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy
import torch
from torch import Tensor, nn

from bench.worker import equality

CHUNK = 2**18
"""Elements whose digest is made in one go: a few MB beside the tensor."""
Array = numpy.ndarray[Any, Any]


class _Kept(Protocol):
    """What one of them held."""

    def changed(self) -> bool:
        """Whether it does not hold that any more."""

    def put_back(self) -> None:
        """Let it hold that again, in the memory it had."""


@dataclass(frozen=True)
class _KeptTensor:
    """What a tensor held.

    Attributes:
        tensor: itself.
        memory: its own, whatever its `.data` becomes.
        copy: of the numbers, in the machine's memory.
        digest: of a tensor that lies elsewhere.
    """

    tensor: Tensor
    memory: Tensor
    copy: Tensor
    digest: int | None

    def changed(self) -> bool:
        if _place(self.tensor) != _place(self.memory):
            return True
        if self.digest is not None:
            return _digest(self.memory) != self.digest
        return not same(self.memory, self.copy)

    def put_back(self) -> None:
        if _place(self.tensor) != _place(self.memory):
            self.tensor.data = self.memory
        with torch.no_grad():
            self.memory.copy_(self.copy)


@dataclass(frozen=True)
class _KeptArray:
    """What an array held."""

    array: Array
    copy: Array

    def changed(self) -> bool:
        return not same(self.array, self.copy)

    def put_back(self) -> None:
        self.array[...] = self.copy


class Values:
    """What tensors and arrays held when they were first seen."""

    def __init__(self) -> None:
        self._known: dict[int, _Kept] = {}

    def note(self, found: Tensor | Array) -> None:
        """Keep what it holds, if it is new."""
        if id(found) in self._known:
            return
        if not isinstance(found, Tensor):
            self._known[id(found)] = _KeptArray(found, found.copy())
            return
        memory = found.detach()
        digest = None if memory.device.type == "cpu" else _digest(memory)
        copy = memory.to("cpu", copy=True)
        self._known[id(found)] = _KeptTensor(found, memory, copy, digest)

    def changed(self, found: Tensor | Array) -> bool:
        """Whether one that was noted does not hold that any more."""
        return self._known[id(found)].changed()

    def put_back(self, found: Tensor | Array) -> None:
        """Let it hold that again, in the memory it had.

        Raises:
            RuntimeError, ValueError: it can't: an array has another shape, a tensor's elements
                share their memory.
        """
        self._known[id(found)].put_back()

    def forget(self, found: Tensor | Array) -> None:
        """From now on it may hold something else."""
        self._known.pop(id(found), None)


def readable(found: object) -> bool:
    """Whether it is a tensor or an array whose numbers can be looked at and put back."""
    if isinstance(found, numpy.ndarray):
        return found.flags.writeable
    return (
        type(found) in (Tensor, nn.Parameter)
        and isinstance(found, Tensor)
        and found.layout == torch.strided
        and found.device.type != "meta"
        and not (found.is_inference() or found.is_quantized or found.is_conj() or found.is_neg())
    )


def same(first: object, second: object) -> bool:
    """Whether two hold the same, bit for bit, in the same form."""
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return (
            readable(first)
            and readable(second)
            and (first.shape, first.dtype, first.device)
            == (second.shape, second.dtype, second.device)
            and first.requires_grad == second.requires_grad
            and bool(torch.equal(_bits(first.detach()), _bits(second.detach())))
        )
    if isinstance(first, numpy.ndarray) and isinstance(second, numpy.ndarray):
        if (first.shape, first.dtype) != (second.shape, second.dtype):
            return False
        if first.dtype.hasobject or not (first.flags.c_contiguous and second.flags.c_contiguous):
            return first.tobytes() == second.tobytes()
        return numpy.array_equal(_bytes(first), _bytes(second))
    return False


def _bytes(array: Array) -> Array:
    return array.reshape(-1).view(numpy.uint8)


def _place(tensor: Tensor) -> tuple[object, ...]:
    return tensor.data_ptr(), tensor.shape, tensor.dtype, tensor.device, tensor.stride()


def _bits(tensor: Tensor) -> Tensor:
    return equality.bits(torch.view_as_real(tensor) if tensor.is_complex() else tensor)


def _digest(tensor: Tensor) -> int:
    """Of its bits and where they stand; found on its device."""
    sums = []
    for part in tensor.contiguous().flatten().split(CHUNK):
        bits = _bits(part).flatten().to(torch.int64)
        places = torch.arange(1, 2 * len(bits), 2, device=bits.device)
        sums += [bits.sum(), (bits * places).sum()]
    return hash(tuple(torch.stack(sums).tolist()))
