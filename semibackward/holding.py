"""What open blocks hold changed: a change is undone when the last block that wants it has ended.

Nothing here knows what is changed; `freeze`, `embeddings` and `modes` do.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Undo = Callable[[], object]
Key = tuple[str, int]

lock = threading.RLock()


@dataclass
class _Held:
    """A parameter or module that at least one open block holds."""

    thing: object  # kept alive, so that its id stays its own
    release: Undo
    holders: int = 1


_held: dict[Key, _Held] = {}


def holds(kind: str, thing: object) -> bool:
    """Whether an open block holds this very object, in this way."""
    return (kind, id(thing)) in _held


def hold(kind: str, thing: object, revert: Undo | None) -> Undo | None:
    """Take a hold of something that was just changed.

    Args:
        kind: in which way it is held; one object may be held in several.
        thing: what was changed.
        revert: undoes the change; None if there was nothing to change.

    Returns:
        what gives the hold up, or None if there is nothing to hold: it is as it was, for no block.
    """
    key = (kind, id(thing))
    held = _held.get(key)
    if held is not None:
        held.holders += 1
        # Somebody may have changed it since it was first held: then it goes back to that.
        return functools.partial(_let_go, key, revert)
    if revert is None:
        return None
    _held[key] = _Held(thing, revert)
    return functools.partial(_let_go, key, None)


def _let_go(key: Key, revert: Undo | None) -> None:
    held = _held[key]
    held.holders -= 1
    try:
        if revert is not None:
            revert()
    finally:
        if held.holders == 0:
            del _held[key]
            held.release()


def undo_all(undo: Iterable[Undo]) -> None:
    """Undo everything, the last first, also past one that fails.

    Raises:
        BaseException: the first failure, after all were tried.
    """
    failure: BaseException | None = None
    for step in reversed(list(undo)):
        try:
            step()
        except BaseException as error:
            failure = failure or error
    if failure is not None:
        raise failure
