"""The command line program: it reads the arguments, runs one command, and tells what went wrong.

Imports no torch; that lives in worker processes.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType

from bench import console, program
from bench.commands import arguments, codes
from bench.errors import BenchError, UsageError
from bench.kinds import registry

_STARTED = time.perf_counter()


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    words = list(sys.argv[1:] if words is None else words)
    console.ready()
    signal.signal(signal.SIGTERM, _interrupt)
    code = _ended(words)
    lost = console.lost()
    if lost is None:
        return code
    console.error(f"can't write to stdout: {lost}; the exit code is that of the command's result")
    return code or UsageError.exit_code


def _ended(words: list[str]) -> int:
    """The exit code that a command comes to; what went wrong has been told."""
    verbose = "--verbose" in words
    try:
        for fault in registry.broken():
            console.error(fault)
        parsed = arguments.parse(words)
        code: int = parsed.run(parsed, [*program.MODULE, *words], _STARTED)
        return code
    except SystemExit as end:  # by argparse, after --help
        return int(end.code or codes.DONE)
    except BenchError as error:
        if verbose and error.__cause__ is not None:
            console.trace(error.__cause__)
        console.error(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        console.error("interrupted")
        return codes.INTERRUPTED
    except OSError as error:
        # Files and the system are the user's; who opens one tells more where more is known.
        if verbose:
            console.trace(error)
        what = "the system refused" if error.filename is None else f"can't use {error.filename}"
        console.error(f"{what}: {error.strerror or error}; --verbose shows where")
        return UsageError.exit_code
    except Exception as error:
        if verbose:
            console.trace(error)
        console.error(
            f"a fault of this program: {type(error).__name__}: {error}; --verbose shows where"
        )
        return codes.FAULT


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
