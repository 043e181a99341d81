"""Watch what Python code does to tensors: who reads `.grad`, who sets `requires_grad`, who hooks.

It stands in front of the attributes of torch's classes, not of any tensor, so that copies are
watched as well and carry nothing along; and it is gone after the block.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from torch import Tensor, nn

_MISSING = object()
_HOOKS = ("register_hook", "register_post_accumulate_grad_hook")


@contextlib.contextmanager
def watched(
    read: Callable[[Tensor, FrameType], object],
    flagged: Callable[[Tensor, bool, FrameType], object],
) -> Iterator[None]:
    """Watch inside the block.

    Args:
        read: is told of each tensor whose `.grad` is got and is there, or that is hooked for it,
            and of the frame that does so.
        flagged: is told of each parameter whose `requires_grad` is set, to what, and by which
            frame.
    """

    def got(tensor: Tensor, value: Any, frame: FrameType) -> None:
        if value is not None:
            read(tensor, frame)

    with contextlib.ExitStack() as stack:
        front: list[tuple[type, str, Any]] = [
            (Tensor, "grad", _InFront(_found(Tensor, "grad"), got=got)),
            (
                nn.Parameter,
                "requires_grad",
                _InFront(_found(nn.Parameter, "requires_grad"), put=flagged),
            ),
            (nn.Parameter, "requires_grad_", _setter(flagged)),
        ]
        front += [(Tensor, name, _hooking(name, read)) for name in _HOOKS if hasattr(Tensor, name)]
        for owner, name, value in front:
            stack.enter_context(_in_place(owner, name, value))
        yield


class _InFront:
    """Stands in front of an attribute of torch's; of the class it is that attribute itself, by
    which torch tells what it was asked for."""

    def __init__(
        self,
        base: Any,
        got: Callable[[Tensor, Any, FrameType], object] | None = None,
        put: Callable[[Tensor, bool, FrameType], object] | None = None,
    ) -> None:
        self._base = base
        self._got = got
        self._put = put

    def __get__(self, tensor: Tensor | None, owner: type | None = None) -> Any:
        if tensor is None:
            return self._base
        value = self._base.__get__(tensor, owner)
        if self._got is not None:
            self._got(tensor, value, sys._getframe(1))
        return value

    def __set__(self, tensor: Tensor, value: Any) -> None:
        if self._put is not None:
            self._put(tensor, bool(value), sys._getframe(1))
        self._base.__set__(tensor, value)

    def __delete__(self, tensor: Tensor) -> None:
        self._base.__delete__(tensor)


def _setter(flagged: Callable[[Tensor, bool, FrameType], object]) -> Any:
    base = nn.Parameter.requires_grad_

    @functools.wraps(base)
    def requires_grad_(parameter: Tensor, requires_grad: bool = True) -> Tensor:
        flagged(parameter, requires_grad, sys._getframe(1))
        return base(parameter, requires_grad)

    return requires_grad_


def _hooking(name: str, read: Callable[[Tensor, FrameType], object]) -> Any:
    base = getattr(Tensor, name)

    @functools.wraps(base)
    def register(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
        read(tensor, sys._getframe(1))
        return base(tensor, *args, **kwargs)

    return register


def _found(owner: type, name: str) -> Any:
    return inspect.getattr_static(owner, name)


@contextlib.contextmanager
def _in_place(owner: type, name: str, value: Any) -> Iterator[None]:
    """Inside the block the class has this attribute."""
    before = vars(owner).get(name, _MISSING)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if before is _MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, before)
