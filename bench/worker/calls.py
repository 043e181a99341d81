"""Stand in front of a model's calls, and leave no mark on the model.

What stands there is an attribute of the model's class, for the length of a block, that knows the
one instance it is meant for: a copy made meanwhile, by `copy` or pickle, is called as it always is,
and so is the model by who compiles what it finds (`torch.jit`, `torch.compile`).
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from types import FrameType
from typing import Any

from torch import nn

from bench.worker import compilers

Call = Callable[..., Any]
Around = Callable[[Any, Call, tuple[Any, ...], dict[str, Any]], Any]
"""Is given the module, its call as it was found, and the arguments; returns what the call does."""

_CALL = "__call__"


@contextlib.contextmanager
def intercepted(
    model: nn.Module,
    around: Around,
    *,
    names: Collection[str] = (_CALL, "forward"),
    parts: Callable[[Any], bool] | None = None,
    aside: bool = False,
) -> Iterator[None]:
    """Hand the outermost calls of the model, in each thread, to `around`.

    Args:
        model: whose.
        around: calls the call once, or something in its place.
        names: of the methods by which it is called.
        parts: tells of any other module that is called meanwhile whether to hand it over too.
        aside: whether nothing stands in front while `around` is at work, as for who compiles.
    """

    def alone(module: Any, found: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with contextlib.ExitStack() as stack:
            for place in places:
                stack.enter_context(place.aside())
            return around(module, found, args, kwargs)

    outermost = _Outermost(alone if aside else around)
    places = [
        (_InFront if name == _CALL else _InFrontOfOwn)(
            type(model), name, lambda one: one is model, outermost
        )
        for name in names
    ]
    if parts is not None:
        places.append(_InFront(nn.Module, _CALL, parts, outermost))
    with contextlib.ExitStack() as stack:
        for place in places:
            stack.enter_context(place.standing())
        yield


@contextlib.contextmanager
def seen(look: Callable[[nn.Module, tuple[Any, ...], dict[str, Any]], object]) -> Iterator[None]:
    """Show every call of any module, before it is made, to `look`: the module and the arguments."""

    def around(module: Any, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        look(module, args, kwargs)
        return call(*args, **kwargs)

    with nested(around):
        yield


@contextlib.contextmanager
def nested(around: Around) -> Iterator[None]:
    """Hand every call of any module to `around`, also those inside of others."""
    with _InFront(nn.Module, _CALL, lambda _: True, _Each(around)).standing():
        yield


class _Each:
    """Hands over each call, also inside of others."""

    inside = False

    def __init__(self, around: Around) -> None:
        self._around = around

    def hand_over(self, module: Any, found: Call, args: Any, kwargs: Any) -> Any:
        return self._around(module, found, args, kwargs)


class _Outermost:
    """Hands over a call that is not made inside another of the same thread."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._thread = threading.local()

    @property
    def inside(self) -> bool:
        return getattr(self._thread, "inside", False)

    def hand_over(self, module: Any, found: Call, args: Any, kwargs: Any) -> Any:
        if self.inside:
            return found(*args, **kwargs)
        self._thread.inside = True
        try:
            return self._around(module, found, args, kwargs)
        finally:
            self._thread.inside = False


class _InFront:
    """A class's method, in front of which something stands for some of its instances."""

    def __init__(
        self, owner: type, name: str, chosen: Callable[[Any], bool], calls: _Outermost | _Each
    ) -> None:
        self._owner = owner
        self._name = name
        self._chosen = chosen
        self._calls = calls
        self._own = vars(owner).get(name)

    @contextlib.contextmanager
    def standing(self) -> Iterator[None]:
        setattr(self._owner, self._name, self)
        try:
            yield
        finally:
            if vars(self._owner).get(self._name) is self:  # else somebody put something else there
                self._leave()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """The class is as it was before; what others put there meanwhile is left alone."""
        stands = vars(self._owner).get(self._name) is self
        if stands:
            self._leave()
        try:
            yield
        finally:
            if stands:
                setattr(self._owner, self._name, self)

    def _leave(self) -> None:
        if self._own is None:
            delattr(self._owner, self._name)
        else:
            setattr(self._owner, self._name, self._own)

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            # What `torch.fx` finds it puts back, once it has traced with something else in place.
            puts_back = sys._getframe(1).f_code.co_name == "patch_method"
            return self if puts_back else self._inherited(owner)
        found = self._found(instance)
        # The first of these is asked while `torch.compile` reads this very code.
        if compilers.is_compiling() or self._calls.inside or not self._chosen(instance):
            return found
        if compilers.reads(_asker(sys._getframe(1))):
            return found
        compilers.leave_to_python()

        @functools.wraps(found)
        def call(*args: Any, **kwargs: Any) -> Any:
            return self._calls.hand_over(instance, found, args, kwargs)

        return call

    def _found(self, instance: Any) -> Any:
        """What the instance has under the name, as if nothing stood there."""
        if self._own is None:
            return getattr(super(self._owner, instance), self._name)
        return self._own.__get__(instance, type(instance))

    def _inherited(self, owner: type) -> Any:
        if self._own is None:
            return getattr(super(self._owner, owner), self._name)
        return self._own.__get__(None, owner)


def _asker(frame: FrameType) -> FrameType:
    """Who asks, behind others that stand there."""
    while frame.f_code.co_filename == __file__ and frame.f_back is not None:
        frame = frame.f_back
    return frame


class _InFrontOfOwn(_InFront):
    """The same of a method that an instance may have put one of its own in place of."""

    def __set__(self, instance: Any, value: Any) -> None:
        vars(instance)[self._name] = value

    def __delete__(self, instance: Any) -> None:
        if self._name not in vars(instance):
            raise AttributeError(self._name)
        del vars(instance)[self._name]

    def _found(self, instance: Any) -> Any:
        own = vars(instance)
        return own[self._name] if self._name in own else super()._found(instance)
