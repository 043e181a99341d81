"""`run`: measure what was asked, write it down, print the table."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bench import console, program, telling
from bench.commands import codes, options
from bench.kinds import numbers

if TYPE_CHECKING:
    from bench.kinds.command import Command
    from bench.kinds.request import Request
    from bench.records.reading import Run
    from bench.running.batch_search import BatchSearch
    from bench.running.runner import Runner

Printed = Callable[["Run"], Iterable[str]]
"""What is printed of the records in the end, in parts, an empty line between them."""


def add(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of `run`, or of a command that measures like it."""
    parser.description = (
        "Time the original attack against its variants in neighbouring blocks, after a check that"
        " both give the same adversarial examples. Several values make a product. What is not"
        " given comes from the suite that fits: quick on a CPU, paper-libraries on a CUDA GPU, text"
        " for --libs openattack."
    )
    options.add_what(parser.add_argument_group("what to measure"))
    how = parser.add_argument_group("how to measure")
    options.add_limits(how)
    options.add_memory(how)
    options.add_workers(how)
    how.add_argument(
        "--max-batch-search",
        action="store_true",
        help="also find the largest batch that fits, for both variants",
    )
    how.add_argument(
        "--memory-limit",
        type=numbers.positive,
        metavar="GB",
        help="what --max-batch-search may use (default: the GPU's memory, or most of the free)",
    )
    options.add_seed(how)
    options.add_where(parser)


def run(parsed: argparse.Namespace, words: list[str], started: float) -> int:
    """Do it.

    Args:
        parsed: the command line.
        words: of the command, for the record.
        started: when the program started, by `time.perf_counter`.

    Returns:
        the exit code.

    Raises:
        BenchError: something in what was asked must be mended first.
        KeyboardInterrupt: the user stopped it; what was measured is on disk.
    """
    return measured(options.request_of(parsed), words, started, _parts)


def _parts(found: Run) -> Iterable[str]:
    """The tables of a run, in parts."""
    from reports.formats import markdown

    return markdown.parts([found])


def tables(found: Run) -> str:
    """The tables of a run."""
    from reports.formats import markdown

    return markdown.report([found])


def measured(
    request: Request,
    words: list[str],
    started: float,
    printed: Printed,
    *,
    explain: bool = False,
    then: Command | None = None,
) -> int:
    """Measure what was asked, write it down, print what it came to.

    Args:
        request: what was asked.
        words, started: as `run` has them.
        printed: what is printed in the end.
        explain: dissect the cases too.
        then: goes on when everything has been measured.

    Returns:
        the exit code.
    """
    from bench.running import session
    from bench.running.runner import Runner

    path = session.checked_path(request)
    if then is not None:
        then.check(request, path)
    with session.opened(request, words, path) as open_:
        runner = Runner(
            open_.pool,
            open_.limits,
            request.seed,
            open_.progress,
            verbose=request.verbose,
            batch_search=_batch_search(request, open_.patience),
            explain=explain,
            beside=open_.beside,
            pauses=open_.pauses,
        )
        try:
            open_.measured(runner.run(open_.comparisons, open_.journal))
            if then is not None:
                then.go_on(open_)
        except KeyboardInterrupt:
            open_.progress.note(
                f"what was measured is in {path}; add {program.options('--out', path)} --resume"
                " to go on"
            )
            raise
    found = open_.journal.read()
    for number, part in enumerate(printed(found)):
        console.out(f"\n{part}" if number else part)
    print_place(path)
    if request.verbose:
        console.out(where_the_time_went(runner, time.perf_counter() - started))
    return codes.DONE if all(status == "ok" for status in found.ended) else codes.NOT_ALL_OK


def print_place(path: Path) -> None:
    """Tell where the records are."""
    console.out(f"\nRecords: {telling.visible(str(path))}")


def where_the_time_went(runner: Runner, total: float) -> str:
    """The share of the run that is neither measuring, nor checks, nor warm-up, nor worker start."""
    spent = runner.spent
    pools = [runner.workers] if runner.beside is None else [runner.workers, runner.beside]
    start = sum(pool.start_seconds for pool in pools) + spent.building
    waited = 0.0 if runner.pauses is None else runner.pauses.waited
    pauses = f" waiting for pauses of other programs {waited:.1f}," if waited else ""
    other = total - start - waited - spent.checks - spent.warmup - spent.measured
    return (
        f"time: {total:.1f} s; worker start and building {start:.1f}, checks {spent.checks:.1f},"
        f" warm-up {spent.warmup:.1f}, measured runs {spent.measured:.1f},"
        f"{pauses}"
        f" everything else {other:.1f} s ({100 * other / total:.1f} %)"
    )


def _batch_search(request: Request, patience: float) -> BatchSearch | None:
    from bench.running.batch_search import BatchSearch

    if not request.max_batch_search:
        return None
    limit = None if request.memory_limit is None else int(request.memory_limit * 1e9)
    return BatchSearch(limit, patience)
