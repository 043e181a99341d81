"""`matrix`: count cases with many versions of torch and of libraries."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import console
from bench.commands import codes, options
from bench.commands import run as run_command
from bench.kinds import numbers, registry


def add(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of `matrix`."""
    parser.description = (
        "Count what each case does with each of several versions of torch and of its library: which"
        " parameter gradients it computes, as shipped and with the parameters frozen, eager and"
        " compiled. For each torch uv makes an environment, once, in the program's cache"
        " folder, and in it a layer for each version of a library; Python is the oldest that this"
        " torch has wheels for, networks come from one timm. One record a cell; what can't be"
        " installed is a cell with its reason. What is not given comes from the suite `matrix`."
    )
    what = parser.add_argument_group("the versions")
    what.add_argument(
        "--torch",
        nargs="+",
        required=True,
        metavar="VERSION",
        help="of torch, as 1.13.1 2.4.1 latest",
    )
    what.add_argument(
        "--versions",
        nargs="+",
        metavar="NAME==V,V",
        help="of libraries, as torchattacks==3.4.0,3.5.1 (the newest that goes with the torch"
        " unless told)",
    )
    what.add_argument(
        "--modes",
        nargs="+",
        choices=("eager", "compiled"),
        metavar="MODE",
        help="eager, compiled (both unless told); compiled are the graphs of torch.compile, without"
        " the code that inductor generates for them",
    )
    cases = parser.add_argument_group("what to count")
    cases.add_argument(
        "--libs", nargs="+", metavar="NAME", help="libraries; `list libs` names them"
    )
    options.add_cases(cases, registry.every())
    where = parser.add_argument_group("the environments")
    where.add_argument(
        "--find-wheels",
        type=Path,
        metavar="DIR",
        help="install from the wheels in this folder alone, offline",
    )
    where.add_argument(
        "--keep",
        type=numbers.at_least_one,
        metavar="N",
        help="keep N environments at once, and remove those before, packages and all (a torch is"
        " gigabytes)",
    )
    where.add_argument(
        "--jobs",
        type=numbers.at_least_one,
        metavar="N",
        help="count so many versions of libraries at a time (as many as there are cores)",
    )
    how = parser.add_argument_group("how to measure")
    how.add_argument(
        "--time",
        action="store_true",
        help="also time each cell: original against frozen inside each environment, one process of"
        " every environment in turn",
    )
    options.add_limits(how)
    options.add_seed(how)
    options.add_where(parser)
    parser.set_defaults(device="cpu")


def run(parsed: argparse.Namespace, words: list[str], started: float) -> int:
    """Do it; the exit code."""
    from bench.matrix import table
    from bench.running import session

    request = options.request_of(parsed)
    path = session.checked_path(request)
    found = table.run(request, words, path)
    console.out(run_command.tables(found, everything=parsed.wide))
    run_command.print_place(path, found)
    all_ok = all(cell.status == "ok" for cell in found.cells)
    return codes.DONE if all_ok else codes.NOT_ALL_OK
