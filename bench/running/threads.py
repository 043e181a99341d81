"""Several pieces of work at a time, each in a thread; the first that fails, or a key that was hit,
ends them all. Imports no torch."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence

_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_TO_END = 10.0
"""That a thread has to come to its end, once it was stopped."""


def together(
    works: Sequence[Callable[[], object]],
    stop: Callable[[], object],
    ended: Callable[[], object] = lambda: None,
) -> None:
    """Do all of them at the same time.

    Args:
        works: each is called in a thread of its own.
        stop: called once they are over, or one has failed; sees to it that the others end soon.
        ended: called after that, if all have come to their end.

    Raises:
        BaseException: what ended them.
    """
    over: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def work(one: Callable[[], object]) -> None:
        try:
            one()
        except BaseException as error:
            over.put(error)
        else:
            over.put(None)

    threads = [threading.Thread(target=work, args=(one,), daemon=True) for one in works]
    try:
        for thread in threads:
            thread.start()
        left = len(threads)
        while left:
            # Looked for again and again: a signal that reaches another thread wakes nobody up.
            with contextlib.suppress(queue.Empty):
                if (error := over.get(timeout=_SECONDS_BETWEEN_LOOKS)) is not None:
                    raise error
                left -= 1
    finally:
        stop()
        for thread in threads:
            thread.join(_SECONDS_TO_END)
        if not any(thread.is_alive() for thread in threads):
            ended()
