"""A module that leaves a thread behind, as some libraries do; see tests/bench/running."""

from __future__ import annotations

import ctypes
import threading


def _linger() -> None:
    ctypes.CDLL(None).prctl(15, b"lingers", 0, 0, 0)  # PR_SET_NAME, for this thread
    named.set()
    threading.Event().wait()


named = threading.Event()
threading.Thread(target=_linger, daemon=True).start()
named.wait()
