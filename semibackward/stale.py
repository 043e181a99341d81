"""An attack that reads parameter gradients in a block: an old `.grad` is warned of, none explained.

While a block is open that froze parameters with a `.grad`, reading that through Python warns, once
a block, at the reader's line. torch's own reads, as by `zero_grad()`, say nothing, but for gradient
clipping, which is somebody's reading of their norm. Where no frozen parameter has a `.grad`,
nothing is watched.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from types import CodeType, FrameType, TracebackType
from typing import Any, NamedTuple

from torch import Tensor, nn

from semibackward import telling
from semibackward.holding import Undo

_NOT_FOR = "an attack that reads parameter gradients is not for semi_backward()"
_READS_FOR_OTHERS = "torch.nn.utils.clip_grad"


class Once:
    """Something that may be done once, by whichever thread comes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def first(self) -> bool:
        """Whether nobody asked before."""
        return self._lock.acquire(blocking=False)


class _Watched(NamedTuple):
    """A parameter's `.grad` as the block found it, and whether its block has warned."""

    once: Once
    state: tuple[int, int]


_watched: dict[int, _Watched] = {}
_torchs: Any = inspect.getattr_static(nn.Parameter, "grad")


def watch(parameter: Tensor, once: Once) -> Undo | None:
    """Warn when the `.grad` that this parameter has now is read while it is frozen.

    Args:
        parameter: kept alive by the caller until the watch has ended.
        once: the block's.

    Returns:
        what ends the watch; None if there is no `.grad` to watch.
    """
    gradient = _torchs.__get__(parameter)
    # Tensors of other classes, as FSDP's, have ways of their own with `.grad`.
    if type(gradient) is not Tensor or nn.Parameter not in type(parameter).__mro__:
        return None
    if not _watched:
        _install()
    _watched[id(parameter)] = _Watched(once, _state(gradient))
    return functools.partial(_forget, id(parameter))


def _forget(parameter: int) -> None:
    _watched.pop(parameter, None)  # two blocks that froze it in turn share one entry
    if not _watched:
        _remove()


def _state(gradient: Tensor) -> tuple[int, int]:
    """Which tensor it is, and how often it was written to."""
    try:
        return id(gradient), gradient._version
    except RuntimeError:  # made in inference mode, where nobody counts
        return id(gradient), -1


def _get(parameter: Tensor) -> Tensor | None:
    reader = sys._getframe(1)
    gradient: Tensor | None = _torchs.__get__(parameter)
    watched = _watched.get(id(parameter))
    if watched and gradient is not None and not parameter.requires_grad:
        _tell(gradient, watched, reader)
    return gradient


def _set(parameter: Tensor, gradient: Tensor | None) -> None:
    _torchs.__set__(parameter, gradient)


def _delete(parameter: Tensor) -> None:
    _torchs.__delete__(parameter)


_watching = property(_get, _set, _delete)


def _install() -> None:
    """Put a property before torch's own, for parameters alone; for no other's in its place."""
    if "grad" in vars(nn.Parameter):
        return
    nn.Parameter.grad = _watching  # type: ignore[assignment]
    # Dynamo would compile the look at torch's own into one at the property, without an end.
    skip = getattr(sys.modules.get("torch._dynamo.eval_frame"), "skip_code", None)
    if skip is not None:
        for function in (_get, _set, _delete):
            skip(function.__code__)


def _remove() -> None:
    if vars(nn.Parameter).get("grad") is _watching:
        del nn.Parameter.grad


def _tell(gradient: Tensor, watched: _Watched, reader: FrameType) -> None:
    if _state(gradient) != watched.state:  # it was written inside the block
        return
    for_itself = telling.is_passed(reader) and reader.f_globals.get("__name__") != _READS_FOR_OTHERS
    place = None if for_itself else telling.outside(reader)
    if place is not None and watched.once.first():
        telling.warn(
            "inside semi_backward(...) the .grad of a frozen parameter is read: it was computed"
            f" before the block, which adds nothing to it; {_NOT_FOR}",
            place,
        )


def explain(error: BaseException, trace: TracebackType | None) -> None:
    """Add to an error that leaves a block what a frozen parameter has to do with it, if it may.

    Notes came with Python 3.11; before, nothing is added.
    """
    said = _explanation(error, trace)
    if said and hasattr(error, "add_note") and said not in getattr(error, "__notes__", ()):
        error.add_note(said)


def _explanation(error: BaseException, trace: TracebackType | None) -> str | None:
    if isinstance(error, RuntimeError) and "does not require grad" in str(error):
        return (
            "inside semi_backward(...) the parameters are frozen, and only what depends on an input"
            f" that requires a gradient has one; {_NOT_FOR}"
        )
    of_none = isinstance(error, (AttributeError, TypeError)) and "NoneType" in str(error)
    if of_none and _reads_gradients(trace):
        return (
            "inside semi_backward(...) a frozen parameter gets no gradient: where it had none"
            f" before, its .grad is None; {_NOT_FOR}"
        )
    return None


def _reads_gradients(trace: TracebackType | None) -> bool:
    """Whether `.grad` is in the code of a function, not torch's, that the error went through."""
    while trace is not None:
        if not telling.is_passed(trace.tb_frame) and _names_grad(trace.tb_frame.f_code):
            return True
        trace = trace.tb_next
    return False


def _names_grad(code: CodeType) -> bool:
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return "grad" in code.co_names or any(map(_names_grad, inner))
