"""`run`: measure what was asked, write it down, print what it came to."""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import console, layout, program, telling
from bench.commands import codes, options
from bench.kinds import numbers
from semibackward_bench import grammar

if TYPE_CHECKING:
    from bench.kinds.command import Command
    from bench.kinds.request import Request
    from bench.records.reading import Run
    from bench.running.batch_search import BatchSearch
    from bench.running.runner import Runner

Printed = Callable[["Run"], Iterable[str]]
"""What is printed of the records in the end, in parts, an empty line between them."""


@dataclass(frozen=True)
class Ending:
    """How a command tells what it came to.

    Attributes:
        brief: for a terminal, with what to do in the end.
        wide: everything, under --wide.
    """

    brief: Printed
    wide: Printed


def add(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of `run`, or of a command that measures like it."""
    parser.description = (
        "Time the original attack against its variants in neighbouring blocks, after a check that"
        " both give the same adversarial examples. Several values make a product. What is not"
        " given comes from the suite that fits: quick on a CPU, paper-libraries on a CUDA GPU, text"
        " for --libs openattack, tokens for --libs gcg."
    )
    options.add_shard(add_what_and_how(parser))
    options.add_slots(parser)
    options.add_where(parser)


def add_what_and_how(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add what can be measured and how; the group of the former."""
    what = parser.add_argument_group("what to measure")
    options.add_what(what)
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
    return what


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
    return measured(options.request_of(parsed), words, started, Ending(_brief, wide))


def _brief(found: Run) -> Iterable[str]:
    """A short table, and a sentence to act on."""
    from reports.formats import terminal

    return terminal.short(found, console.width())


def wide(found: Run, asked: Mapping[str, Any] | None = None) -> Iterable[str]:
    """Every table of a run with all its columns and notes, in parts.

    Args:
        found: what was measured.
        asked: what the command line said, by name.
    """
    from reports.formats import markdown

    return markdown.parts([found], asked or {})


def tables(found: Run, *, everything: bool) -> str:
    """The tables of a run, for a terminal or with everything."""
    from reports.formats import terminal

    drawn = wide(found) if everything else terminal.tables(found, console.width())
    return "\n\n".join(drawn)


def measured(
    request: Request,
    words: list[str],
    started: float,
    ending: Ending,
    *,
    explain: bool = False,
    then: Command | None = None,
) -> int:
    """Measure what was asked, write it down, print what it came to.

    Args:
        request: what was asked.
        words, started: as `run` has them.
        ending: what is printed in the end.
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
            open_.slots,
            open_.limits,
            request.seed,
            open_.progress,
            verbose=request.verbose,
            batch_search=_batch_search(request, open_.patience),
            explain=explain,
            retries=open_.retries,
        )
        try:
            open_.make_ready()
            if then is None or then.measures:
                runner.measure(open_.comparisons, open_.journal, open_.note_ended)
            if then is not None:
                if len(open_.slots) > 1:
                    open_.progress.note("what follows is done in the first slot alone")
                then.go_on(open_)
        except KeyboardInterrupt:
            open_.progress.note(
                f"what was measured is in {path}; add"
                f" `{program.options('--out', path)} --resume` to go on"
            )
            raise
    found = open_.journal.read()
    time_ = where_the_time_went(runner, time.perf_counter() - started)
    told = [
        where(path, found, *(["--format", "explained"] if explain else [])),
        *([time_] if request.verbose else []),
    ]
    if request.more["wide"] or ending.brief is ending.wide:
        _print_parts(ending.wide(found))
        console.out("\n" + "\n".join(told))
    else:
        console.prose("\n".join(told) + "\n")
        _print_parts(ending.brief(found))
    return codes.DONE if all(status == "ok" for status in found.ended) else codes.NOT_ALL_OK


def _print_parts(parts: Iterable[str]) -> None:
    for number, part in enumerate(parts):
        console.out(f"\n{part}" if number else part)


def where(path: Path, found: Run, *words: str) -> str:
    """Where the records are, and how all that they tell is read.

    Args:
        path: of the records.
        found: what they are.
        words: for `report`, behind the file.
    """
    texts = [record.warnings for record in found.comparisons]
    texts += [record.warnings for record in found.counts]
    warned = len(set(itertools.chain.from_iterable(texts)))
    warnings = "" if not warned else f", with {grammar.counted(warned, 'warning')}"
    command = layout.command(program.command("report", path, *words), console.width())
    return f"Records: {telling.visible(str(path))}\nAll columns and notes{warnings}:\n{command}"


def print_place(path: Path, found: Run) -> None:
    """Tell where the records are."""
    console.prose(f"\n{where(path, found)}")


def where_the_time_went(runner: Runner, total: float) -> str:
    """The share of the run that is neither measuring, nor checks, nor warm-up, nor worker start."""
    spent = runner.spent
    start = sum(pool.start_seconds for slot in runner.slots for pool in slot.pools) + spent.building
    waited = sum(slot.pauses.waited for slot in runner.slots if slot.pauses is not None)
    pauses = f" waiting for pauses of other programs {waited:.1f}," if waited else ""
    several = len(runner.slots)
    beside = f" in each of {several} slots" if several > 1 else ""
    total *= several
    other = total - start - waited - spent.checks - spent.warmup - spent.measured
    return (
        f"time: {total / several:.1f} s{beside}; worker start and building {start:.1f},"
        f" checks {spent.checks:.1f},"
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
