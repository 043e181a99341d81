"""`counts`: count what each case does, without timing anything."""

from __future__ import annotations

import argparse

from bench import console
from bench.commands import codes, options
from bench.commands import run as run_command


def add(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of `counts`."""
    parser.description = (
        "Count what one run of each case does, original and variant, without timing anything:"
        " parameter gradients, passes, operations, bytes, kernel calls. The same code on the same"
        " torch gives the same numbers, also on a busy machine; `compare` tells two such files"
        " apart. What is not given comes from the suite `counts`."
    )
    what = parser.add_argument_group("what to count")
    options.add_what(what)
    options.add_shard(what)
    how = parser.add_argument_group("how to count")
    how.add_argument("--device", default="cpu", help="cpu (default), auto, cuda, cuda:N or mps")
    options.add_timeout(how)
    how.add_argument(
        "--one-worker",
        action="store_true",
        help="all libraries in one process: half the time, but each meets what the others patched",
    )
    options.add_seed(how)
    options.add_where(parser)


def run(parsed: argparse.Namespace, words: list[str], started: float) -> int:
    """Do it; the exit code."""
    from bench.running import session
    from bench.running.counting import CountRunner

    request = options.request_of(parsed)
    path = session.checked_path(request)
    with session.opened(request, words, path) as open_:
        open_.make_ready()
        CountRunner(
            open_.pool,
            request.seed,
            open_.patience,
            open_.progress,
            request.verbose,
            one_worker=request.more["one_worker"],
        ).run(open_.comparisons, open_.journal)
    found = open_.journal.read()
    console.out(run_command.tables(found, everything=parsed.wide))
    run_command.print_place(path, found)
    return codes.DONE if all(r.status == "ok" for r in found.counts) else codes.NOT_ALL_OK
