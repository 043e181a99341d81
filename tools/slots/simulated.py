"""Workers that are simulated: they answer as one does that measures, and compute nothing."""

from __future__ import annotations

import random
import time
from typing import Any

PREPARED: dict[str, Any] = {
    "equality": {"equal": True, "bitwise": True, "max_abs_diff": 0.0},
    "gradients": {"call": "backward", "parameters": 62, "original": 62, "semi-backward": 0},
    "theory": {"speedup": 1.5, "basis": "flops"},
    "memory": {
        "original": 2000,
        "semi-backward": 1000,
        "unit": "bytes",
        "what": "peak",
        "ratio": 2.0,
    },
    "device_use": None,
    "warnings": [],
    "unequal": None,
    "library_version": "1.0",
    "timer": "simulated",
}


class Worker:
    """Times are drawn about 1.5 s for the original and 1 s for the variant, and not waited for.

    Args:
        seed: of the draws.
        seconds: that every answer takes.
    """

    facts: dict[str, Any] = {}  # noqa: RUF012 - as the protocol has it
    pids: tuple[int, ...] = ()

    def __init__(self, seed: int, seconds: float) -> None:
        self._draw = random.Random(seed)
        self._seconds = seconds

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Answer "prepare" and "blocks" in the given time."""
        time.sleep(self._seconds)
        if request["do"] == "prepare":
            return {"ok": True, "prepared": PREPARED, "check_seconds": self._seconds}
        assert request["do"] == "blocks"
        return {"ok": True, "blocks": [self._block(order) for order in request["orders"]]}

    def close(self) -> None:
        """Nothing is held."""

    def _block(self, order: str) -> dict[str, Any]:
        usual = {"A": 1.5, "B": 1.0}
        samples = [
            {"seconds": usual[letter] * self._draw.uniform(0.95, 1.05), "host_seconds": None}
            for letter in order
        ]
        return {"samples": samples, "gpu": None, "spoilt": False, "compiled": 0}
