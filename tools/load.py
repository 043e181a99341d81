"""Another program beside a measurement: now it computes on one core, now it sleeps."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PHASE_SECONDS = 3.0
"""Mean length of a phase; phases are exponentially distributed."""

_PROGRAM = """
import os, random, sys, time
phases = random.Random(int(sys.argv[1]))
parent = os.getppid()
while os.getppid() == parent:
    end = time.perf_counter() + phases.expovariate(1 / float(sys.argv[2]))
    while time.perf_counter() < end:
        pass
    time.sleep(phases.expovariate(1 / float(sys.argv[2])))
"""
"""Ends by itself, a phase later, if whoever started it was killed."""


@contextmanager
def beside(seed: int) -> Iterator[subprocess.Popen[bytes]]:
    """Inside the block the other program runs.

    Args:
        seed: of the lengths of its phases.
    """
    other = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(seed), str(PHASE_SECONDS)])
    try:
        yield other
    finally:
        other.kill()
        other.wait()
