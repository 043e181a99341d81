"""The command line program: it reads the arguments, runs one command, and tells what went wrong.

Imports no torch; that lives in worker processes.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from types import FrameType

from bench import program
from bench.commands import arguments, codes
from bench.errors import BenchError
from bench.kinds import registry

_STARTED = time.perf_counter()


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    words = list(sys.argv[1:] if words is None else words)
    verbose = "--verbose" in words
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        for fault in registry.broken():
            print(f"bench: {fault}", file=sys.stderr)
        parsed = arguments.parse(words)
        code: int = parsed.run(parsed, [*program.MODULE, *words], _STARTED)
        sys.stdout.flush()
        return code
    except BenchError as error:
        if verbose and error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        print(f"bench: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return codes.INTERRUPTED
    except BrokenPipeError:
        # The reader of stdout has gone, as `head` does; nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return codes.DONE
    except Exception as error:
        if verbose:
            traceback.print_exc()
        said = " ".join(str(error).split())
        print(
            f"bench: a fault of this program: {type(error).__name__}: {said};"
            " --verbose shows where",
            file=sys.stderr,
        )
        return codes.FAULT


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
