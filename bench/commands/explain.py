"""`explain`: measure like `run`, and dissect each case."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bench import console
from bench.commands import options
from bench.commands import run as run_command

if TYPE_CHECKING:
    from bench.records.reading import Run

FORMATS = ("table", "md")


def add(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of `explain`."""
    run_command.add(parser)
    parser.description = (
        "Measure like `run`, and dissect each case in instrumented runs: which gradients are"
        " computed, by which operations, what they cost, and what leaving them out can gain."
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        help="md: a paragraph for each case, fit for a bug report",
    )


def run(parsed: argparse.Namespace, words: list[str], started: float) -> int:
    """Do it; the exit code."""
    ending = run_command.Ending(_brief, _table)
    if parsed.format == "md":
        ending = run_command.Ending(_paragraphs, _paragraphs)
    request = options.request_of(parsed)
    return run_command.measured(request, words, started, ending, explain=True)


def _brief(found: Run) -> Iterable[str]:
    from reports.formats import terminal

    return terminal.explained(found, console.width())


def _table(found: Run) -> Iterable[str]:
    from reports.formats import explained

    return [explained.report([found])]


def _paragraphs(found: Run) -> Iterable[str]:
    from reports.formats import explained

    return explained.paragraph_parts([found])
