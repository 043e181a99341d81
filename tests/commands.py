"""The program as its user has it: in a process of its own, or only what it would measure."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from bench.cases import Comparison
from bench.choosing import selection
from bench.commands import arguments, options
from bench.kinds.request import Request
from tests.places import ROOT

MINE = "tests/data/attacks.py"
MODELS = "tests/data/models.py"
SMALL = ("--models", "wrn_10_1", "--image-size", "32", "--batch", "2", "--device", "cpu")
PATIENCE = 240
"""Seconds after which a program that does not end hangs."""
QUICKLY = ("--max-seconds", "0.5", "--precision", "0.9", "--steps", "2", "--memory", "keep")


def request(*words: str) -> Request:
    """What a command line asks for."""
    return options.request_of(arguments.parse(list(words)))


def chosen(
    *words: str, device: str = "cpu", say: Callable[[str], object] = lambda note: None
) -> list[Comparison]:
    """What a command line would measure on a device, its names checked."""
    asked = request(*words)
    selection.check_names(asked)
    suite = selection.choose_suite(asked, device)
    return selection.comparisons(asked, suite, device, say)


def bench(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def started(*words: object, **environment: str) -> subprocess.Popen[str]:
    """The program as `bench` runs it, not waited for; it may be interrupted."""
    return subprocess.Popen(
        [sys.executable, "-m", "bench", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What runs in a shell's background ignores SIGINT, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )


def wait_until(there: Callable[[], bool], running: subprocess.Popen[str]) -> None:
    """Until something is there that the running program makes; it looks twenty times a second."""
    until = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < until, "it takes too long"
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(timeout=0.05)
            assert there(), running.communicate()
