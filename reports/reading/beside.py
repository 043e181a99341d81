"""Work that another process does meanwhile."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import TypeVar

T = TypeVar("T")


@contextlib.contextmanager
def beside(work: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Begin a piece of work in a copy of this process, while the block does something else.

    Only Linux copies a process that may have used any library; elsewhere, and with a single core,
    the work is done once it is asked for.

    Args:
        work: what it returns or raises is sent here by pickle.

    Yields:
        a function that waits for the work, and returns or raises as it did.
    """
    if sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2:
        yield work
        return
    forking = multiprocessing.get_context("fork")
    here, there = forking.Pipe(duplex=False)
    other = forking.Process(target=_send, args=(work, there), daemon=True)
    other.start()
    there.close()

    def answer() -> T:
        try:
            done, found = here.recv()
        except EOFError:
            raise RuntimeError("the process beside this one was ended from outside") from None
        if not done:
            raise found
        result: T = found
        return result

    try:
        yield answer
    finally:
        other.kill()
        other.join()
        here.close()


def _send(work: Callable[[], object], there: Connection) -> None:
    try:
        there.send((True, work()))
    except Exception as error:  # raised where it is asked for
        there.send((False, error))
