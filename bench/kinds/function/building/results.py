"""What one call of a workload makes, piece by piece, each with the place where it was found."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy
import torch
from torch import Tensor, nn

from bench.errors import InvalidOutput
from bench.statistics.equality import IDENTICAL, Equality, different
from bench.worker import equality

RETURNED, AFTER = "what `call` returns", "what `after` returns"
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


@dataclass(frozen=True)
class Piece:
    """One part of a result.

    Attributes:
        place: where it was found, in words.
        value: a tensor, or a plain value.
        network: the number of the foreign network whose parameter or buffer it is; else None.
    """

    place: str
    value: Any
    network: int | None = None


Result = tuple[Piece, ...]


def pieces(found: Any, place: str) -> Iterator[Piece]:
    """The parts of what a call returned; copies, as they are now.

    Raises:
        InvalidOutput: one of them can't be compared.
    """
    if isinstance(found, Tensor):
        yield Piece(place, found.detach().clone())
    elif isinstance(found, numpy.ndarray) and found.dtype.kind in "biuf":
        yield Piece(place, torch.from_numpy(found.copy()))
    elif isinstance(found, numpy.generic):
        yield Piece(place, found.item())
    elif isinstance(found, _PLAIN):
        yield Piece(place, found)
    elif isinstance(found, Mapping):
        yield Piece(f"the keys of {place}", " ".join(map(str, found)))
        for key, value in found.items():
            yield from pieces(value, f"{place}, [{key!r}]")
    elif isinstance(found, list | tuple):
        yield Piece(f"the length of {place}", len(found))
        for number, value in enumerate(found):
            yield from pieces(value, f"{place}, [{number}]")
    elif is_dataclass(found) and not isinstance(found, type):
        for field in fields(found):
            yield from pieces(getattr(found, field.name), f"{place}, .{field.name}")
    else:
        raise InvalidOutput(
            f"{place} is of the class {type(found).__name__}, which can't be compared; return"
            " tensors, numbers, texts, None, or lists and dicts of them"
        )


def of_networks(networks: Mapping[str, nn.Module], *, foreign: bool) -> Iterator[Piece]:
    """Parameters and buffers of some networks, each tensor once.

    Args:
        networks: by what they are called in words.
        foreign: whether they are those that are only passed through.
    """
    seen: set[int] = set()
    for number, (told, network) in enumerate(networks.items()):
        for what, named in (
            ("parameter", network.named_parameters()),
            ("buffer", network.named_buffers()),
        ):
            for name, tensor in named:
                if id(tensor) not in seen:
                    seen.add(id(tensor))
                    place = f"the {what} `{name}` of {told}"
                    yield Piece(place, tensor.detach().clone(), number if foreign else None)


def gradients(named: Iterable[tuple[str, Tensor]]) -> Iterator[Piece]:
    """The `.grad` of some tensors, None where there is none."""
    for place, tensor in named:
        grad = tensor.grad
        yield Piece(f"the gradient of {place}", None if grad is None else grad.detach().clone())


def compare(first: Result, second: Result) -> Equality:
    """Whether two results are the same, bit for bit."""
    if [one.place for one in first] != [one.place for one in second]:
        return different(None)
    found = [same(one.value, other.value) for one, other in zip(first, second, strict=True)]
    if all(each.bitwise for each in found):
        return IDENTICAL
    apart = [each.max_abs_diff for each in found]
    most = None if None in apart else max(each for each in apart if each is not None)
    return different(most)


def same(one: Any, other: Any) -> Equality:
    """Whether two values are."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        if one.is_complex() and other.is_complex():
            one, other = torch.view_as_real(one), torch.view_as_real(other)
        if one.is_sparse or other.is_sparse:
            one, other = one.to_dense(), other.to_dense()
        return equality.compare(one, other)
    if type(one) is not type(other) or isinstance(one, Tensor):
        return different(None)
    if one == other or (one != one and other != other):
        return IDENTICAL
    apart = float(abs(one - other)) if isinstance(one, int | float) else None
    return different(apart if apart is not None and math.isfinite(apart) else None)


def parted(first: Result, second: Result) -> list[Piece]:
    """The pieces of the second that are not those of the first; as many as can be held together."""
    return [
        other
        for one, other in zip(first, second, strict=False)
        if one.place != other.place or not same(one.value, other.value).bitwise
    ]


def flat(result: Result) -> Tensor:
    """All numbers of a result as one vector of float64, on the CPU, for another process."""
    found = [_vector(piece.value) for piece in result]
    return torch.cat([torch.zeros(0, dtype=torch.float64), *found])


def infinite(result: Result) -> list[str]:
    """The places of numbers that are not finite."""
    return [piece.place for piece in result if not _finite(piece.value)]


def _vector(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        value = value.to_dense() if value.is_sparse else value
        value = torch.view_as_real(value) if value.is_complex() else value
        whole: Tensor = value.detach().flatten().double().cpu()
        return whole
    if isinstance(value, bool | int | float):
        return torch.tensor([float(value)], dtype=torch.float64)
    if isinstance(value, complex):
        return torch.tensor([value.real, value.imag], dtype=torch.float64)
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return torch.tensor(list(value), dtype=torch.float64)
    return torch.zeros(0, dtype=torch.float64)


def _finite(value: Any) -> bool:
    if isinstance(value, Tensor):
        return bool(_vector(value).isfinite().all())
    return not isinstance(value, float) or math.isfinite(value)
