"""What the program prints: what was asked for on stdout, all else on stderr.

The only module that writes to either. Text for people is made harmless first, in `bench.telling`.
What can't be written any more never ends a command: it goes on, its exit code stands, and `lost`
tells of it in the end.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
import traceback
from typing import TYPE_CHECKING, TextIO

from bench import layout, telling

if TYPE_CHECKING:
    from rich.console import Console

_FALLBACK = "bench.plain"
NARROW = 80
"""Columns of what is printed where no terminal says how many it has."""
READABLE = 100
"""Columns of what is printed in a wider terminal."""
_CLOSED = "it is closed"
_lost: list[str] = []
"""Why something that was to be on stdout is not."""


def ready() -> None:
    """Make both streams take every character, and keep files from the numbers of closed streams."""
    _lost.clear()
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    codecs.register_error(_FALLBACK, _replaced)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_FALLBACK)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return telling.plain(error.object[error.start : error.end]), error.end


def out(text: str) -> None:
    """Print lines for people on stdout."""
    _print(f"{telling.lines(text)}\n")


def prose(text: str, hanging: str = "") -> None:
    """Print sentences on stdout, broken at words.

    Args:
        text: what to print.
        hanging: what further lines of a sentence begin with.
    """
    out(layout.broken(telling.lines(text), width(), hanging))


def page(text: str) -> None:
    """Print on stdout what is Markdown for whoever reads on, and on a terminal broken at words."""
    if sys.stdout is not None and not sys.stdout.closed and sys.stdout.isatty():
        prose(text, "  ")
    else:
        out(text)


def width() -> int:
    """How many columns what is printed on stdout may take."""
    return _width(sys.stdout)


def width_of_notes() -> int:
    """How many columns what is printed on stderr may take."""
    return _width(sys.stderr)


def data(text: str) -> None:
    """Print on stdout what other programs read, as it is: whoever made it has escaped it."""
    _print(text)


def err(text: str) -> None:
    """Print lines for people on stderr; nobody can be told where that fails."""
    _to_stderr(f"{telling.lines(text)}\n")


def note(text: str, hanging: str = "  ") -> None:
    """Print sentences on stderr, broken at words.

    Args:
        text: what to print.
        hanging: what further lines of a sentence begin with.
    """
    err(layout.broken(telling.lines(text), width_of_notes(), hanging))


def error(said: str) -> None:
    """Print what went wrong on stderr, behind the program's name: in one line, which a terminal
    shows broken at words."""
    line = f"bench: {telling.line(said)}"
    _to_stderr(f"{layout.broken(line, width_of_notes(), '  ') if is_terminal() else line}\n")


def trace(found: BaseException) -> None:
    """Print where an exception came from on stderr."""
    err("".join(traceback.format_exception(found)).rstrip("\n"))


def is_terminal() -> bool:
    """Whether stderr is one."""
    return sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()


def terminal() -> Console:
    """What draws on stderr, without any markup of rich's."""
    from rich.console import Console

    return Console(stderr=True, markup=False, emoji=False, highlight=False)


def flush() -> None:
    """See what was printed on its way, before something else writes to stdout's file."""
    _print("")


def lost() -> str | None:
    """Why not all that was to be on stdout is there; None where it is, or its reader has left."""
    return _lost[0] if _lost else None


def _width(stream: TextIO | None) -> int:
    if stream is None or stream.closed or not stream.isatty():
        return NARROW
    try:
        return min(os.get_terminal_size(stream.fileno()).columns or NARROW, READABLE)
    except OSError:
        return NARROW


def _print(text: str) -> None:
    if sys.stdout is None or sys.stdout.closed:
        _lost.append(_CLOSED)
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _to_nowhere(sys.stdout)  # the reader has gone, as `head` does; nothing is wrong
    except OSError as failed:
        _lost.append(failed.strerror or str(failed))
        _to_nowhere(sys.stdout)


def _to_stderr(text: str) -> None:
    if sys.stderr is None or sys.stderr.closed:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _to_nowhere(sys.stderr)


def _to_nowhere(stream: TextIO) -> None:
    """Let what is buffered go, or Python fails on it at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
