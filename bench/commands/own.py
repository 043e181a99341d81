"""The commands of a kind's own: they measure like `run`, and then go on."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bench import console
from bench.commands import options
from bench.commands import run as run_command
from bench.kinds.command import Command

if TYPE_CHECKING:
    from bench.records.reading import Run


def add(parser: argparse.ArgumentParser, command: Command) -> None:
    """Fill in the parser of a kind's command."""
    run_command.add(parser)
    parser.description = command.description
    command.add_arguments(parser)
    parser.set_defaults(run=functools.partial(_run, command))


def _run(command: Command, parsed: argparse.Namespace, words: list[str], started: float) -> int:
    request = options.request_of(parsed)

    def brief(found: Run) -> Iterable[str]:
        from reports.formats import terminal

        return terminal.everything(found, console.width(), request.more)

    def wide(found: Run) -> Iterable[str]:
        return run_command.wide(found, request.more)

    ending = run_command.Ending(brief, wide)
    return run_command.measured(request, words, started, ending, then=command)
