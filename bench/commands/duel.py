"""`duel`: hold two versions of a library, or a library and a patch, against each other."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import console, telling
from bench.commands import codes, options
from bench.commands import run as run_command
from bench.kinds import registry

PROCESSES = 3
"""Pairs of them: two processes of one program do not take the same time to the last per cent."""


def add(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of `duel`; its library comes from its sides."""
    parser.description = (
        "Hold two versions of a library, or a library and a patch, against each other: the original"
        " attack of a against the original attack of b, in neighbouring blocks. Each side is"
        " installed by uv into a folder of its own, without what it depends on, and has worker"
        f" processes of its own ({PROCESSES} pairs unless --processes says otherwise); Python,"
        " torch and everything else are this environment's, the same for both. Outputs and counted"
        " gradients are told, and may differ."
    )
    parser.epilog = (
        "Exit codes: 0 done; 1 b is worse than --fail-if allows; 2 wrong usage, or a side that"
        " can't be installed; 3 the interval leaves that open, under --strict; 5 a side failed."
    )
    sides = parser.add_argument_group("the two sides")
    for name, what in (("a", "what was"), ("b", "what is to be judged")):
        sides.add_argument(
            f"--{name}",
            required=True,
            metavar="WHAT",
            help=f"{what}: a version (torchattacks==3.5.1), a folder (./my-fork) or a wheel",
        )
    sides.add_argument(
        "--find-wheels",
        type=Path,
        metavar="DIR",
        help="install from the wheels in this folder alone, offline",
    )
    sides.add_argument(
        "--keep", action="store_true", help="leave both environments beside the records"
    )
    verdict = parser.add_argument_group("the verdict")
    verdict.add_argument(
        "--fail-if",
        action="append",
        default=[],
        metavar="METRIC:LOSS",
        help="how much worse b may be: speedup:5%%, memory:10%%; a time counts only where its whole"
        " interval lies beyond",
    )
    verdict.add_argument(
        "--strict", action="store_true", help="exit 3 where the interval leaves it open"
    )
    kinds = [kind for kind in registry.every() if kind.duels]
    options.add_cases(parser.add_argument_group("what to measure"), kinds)
    how = parser.add_argument_group("how to measure")
    options.add_limits(how)
    options.add_memory(how, ("keep", "system"))
    options.add_seed(how)
    where = parser.add_argument_group("where the records go")
    where.add_argument(
        "--out", type=Path, metavar="FILE.jsonl", help="default: a new file in runs/"
    )
    where.add_argument("--verbose", action="store_true", help="traces")
    options.add_wide(where)
    parser.set_defaults(processes=PROCESSES)


def run(parsed: argparse.Namespace, words: list[str], started: float) -> int:
    """Do it; the exit code."""
    from bench.duel import contest

    outcome = contest.run(options.request_of(parsed), words)
    console.out(run_command.tables(outcome.found, everything=parsed.wide))
    run_command.print_place(outcome.path, outcome.found)
    for said in (*outcome.worse, *outcome.open):
        console.prose(telling.line(said))
    if outcome.worse:
        return codes.REGRESSION
    if not outcome.all_ok:
        return codes.NOT_ALL_OK
    return codes.INCONCLUSIVE if parsed.strict and outcome.open else codes.DONE
