"""The command line of `duel`, but for what it shares with `run`. Imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

_NOT_ASKED = (
    *("libs", "variants", "training", "data", "replays"),
    *("victim", "sentences", "queries", "resources", "memory_limit"),
)
"""What `run` can also be asked and a duel is not: its library comes from its sides."""


PROCESSES = 3
"""Pairs of them: two processes of one program do not take the same time to the last per cent."""


def add(duel: argparse.ArgumentParser) -> None:
    """Fill in what only `duel` has."""
    duel.description = (
        "Hold two versions of a library, or a library and a patch, against each other: the original"
        " attack of a against the original attack of b, in neighbouring blocks. Each side is"
        " installed by uv into a folder of its own, without what it depends on, and has worker"
        f" processes of its own ({PROCESSES} pairs unless --processes says otherwise); Python,"
        " torch and everything else are this environment's, the same for both. Outputs and counted"
        " gradients are told, and may differ."
    )
    duel.epilog = (
        "Exit codes: 0 done; 1 b is worse than --fail-if allows; 2 wrong usage, or a side that"
        " can't be installed; 3 the interval leaves that open, under --strict; 5 a side failed."
    )
    sides = duel.add_argument_group("the two sides")
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
        help="install from the wheels in this folder alone, without a network",
    )
    sides.add_argument(
        "--keep", action="store_true", help="leave both environments beside the records"
    )
    verdict = duel.add_argument_group("the verdict")
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
    unasked = {"a_a": False, "max_batch_search": False, "resume": False}
    duel.set_defaults(processes=PROCESSES, **unasked, **dict.fromkeys(_NOT_ASKED))
