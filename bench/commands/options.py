"""Options that several commands have, and what they were given. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.cases import BASELINE, DTYPES
from bench.choosing.engines import ENGINES
from bench.choosing.suites import MEMORY
from bench.errors import UsageError
from bench.kinds import numbers, registry, sharding
from bench.kinds.base import Kind
from bench.kinds.request import Request


def request_of(parsed: argparse.Namespace) -> Request:
    """What was asked, as the rest of the program reads it."""
    return Request.of(parsed, registry.options())


def add_what(what: argparse._ArgumentGroup) -> None:
    """What can be measured or counted, of every kind."""
    what.add_argument("--libs", nargs="+", metavar="NAME", help="libraries; `list libs` names them")
    add_cases(what, registry.every())
    what.add_argument(
        "--variants",
        nargs="+",
        metavar="NAME",
        help="what to hold against the baseline (semi-backward, and forward-only for black-box"
        " attacks), or several things at once, as channels-last+semi-backward; `list variants`",
    )
    what.add_argument(
        "--baseline",
        metavar="NAME",
        help=f"the variant that the others are held against ({BASELINE})",
    )
    what.add_argument(
        "--a-a",
        action="store_true",
        help="also hold the baseline against itself: the smallest effect this run can tell apart",
    )
    what.add_argument(
        "--expect-from",
        action="append",
        default=[],
        metavar="[NAME=]FOLDER",
        help="end with exit code 2 where a library is imported from elsewhere than under FOLDER, as"
        " with a mistyped PYTHONPATH; NAME: a library or a module, where it is not of all; may be"
        " given several times",
    )


def add_cases(what: argparse._ArgumentGroup, kinds: Iterable[Kind]) -> None:
    """What can be asked, whichever library it is of.

    Args:
        what: the group of options to add to.
        kinds: those that can be asked for.
    """
    what.add_argument(
        "--attacks", nargs="+", metavar="NAME", help="attacks; `list attacks`, or all"
    )
    what.add_argument(
        "--models",
        nargs="+",
        metavar="NAME",
        help="timm models, `list models`; or your own, an nn.Module or what returns one, as"
        " FILE.py:NAME or package.module:NAME",
    )
    what.add_argument(
        "--batch",
        nargs="+",
        type=numbers.at_least_one,
        metavar="N",
        help="batch sizes; of text, sentences; of token sequences, prompts",
    )
    what.add_argument("--dtype", metavar="NAME", help=", ".join(DTYPES))
    what.add_argument(
        "--suite", metavar="NAME|FILE.toml", help="a named list of cases; `list suites`"
    )
    what.add_argument(
        "--attack",
        action="append",
        metavar="SPEC",
        help="your own FUNCTION(model, images, labels) -> adversarial images, as FILE.py:FUNCTION"
        " or package.module:FUNCTION; alone unless --libs is given too",
    )
    weights = what.add_mutually_exclusive_group()
    weights.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="a state dict, or a checkpoint that has one, .pt or .safetensors",
    )
    weights.add_argument(
        "--pretrained", action="store_true", help="timm's own weights, downloaded if need be"
    )
    for kind in kinds:
        try:
            kind.add_arguments(what)
        except argparse.ArgumentError as error:
            raise UsageError(
                f"the kind {kind.name} can't add its options: {error}; mend or uninstall the"
                " package that ships it"
            ) from error


def add_limits(how: argparse._ArgumentGroup) -> None:
    """How long and how exactly to measure, and on what."""
    how.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    how.add_argument(
        "--precision",
        type=numbers.positive,
        metavar="X",
        help="stop a case when its speedup is known to within this share: 0.02 is ±2 %%",
    )
    how.add_argument(
        "--max-seconds",
        type=numbers.positive,
        metavar="S",
        help="or after S seconds of measuring (a slow case takes up to 4 S)",
    )
    how.add_argument(
        "--processes",
        type=numbers.at_least_one,
        metavar="N",
        help="processes per case, at least: more where they differ and there is time left",
    )
    add_timeout(how)


def add_memory(
    how: argparse._ArgumentGroup, ways: Sequence[str] = MEMORY, usual: str = MEMORY[0]
) -> None:
    """What workers do with memory.

    Args:
        how: the group of options to add to.
        ways: that can be asked for.
        usual: what is done unless told, for the help.
    """
    both = "; both: the second beside the first" if "both" in ways else ""
    how.add_argument(
        "--memory",
        choices=ways,
        help="what worker processes on a CPU do with memory that is given back: keep it, or"
        f" whatever the system's C library does{both} ({usual} unless told)",
    )


def add_workers(how: argparse._ArgumentGroup) -> None:
    """How workers are started."""
    how.add_argument(
        "--workers",
        choices=("forked", "afresh"),
        help="fork the worker processes from one that has imported everything and run nothing (the"
        " default on a CPU under Linux), or start each one afresh",
    )


def add_slots(parser: argparse.ArgumentParser) -> None:
    """Where workers measure, several at a time."""
    where = parser.add_argument_group(
        "several slots: one worker each, on one GPU that nobody else gets"
    )
    where.add_argument(
        "--devices",
        nargs="+",
        metavar="NAME",
        help="measure on several at once: cuda:0 cuda:1, or all GPUs",
    )
    where.add_argument(
        "--slots",
        type=numbers.at_least_one,
        metavar="N",
        help="how many slots: so many of the GPUs, or parts of a CPU, each with its own cores (1"
        " on a CPU unless told)",
    )
    where.add_argument(
        "--engine",
        choices=ENGINES,
        help="what brings workers to their places: this machine's processes (local, the default), a"
        " command's (with --worker-command), steps of the Slurm allocation that this runs in, or"
        " Ray's actors",
    )
    where.add_argument(
        "--worker-command",
        action="append",
        metavar="COMMAND",
        help="what leads to a place, put before the worker's command: 'ssh node7', 'docker exec -i"
        " NAME', 'kubectl exec -i POD --'; may be given several times",
    )
    where.add_argument(
        "--worker-python",
        metavar="PATH",
        help="the Python there that has this program installed, where it is not in the same place"
        " as here",
    )
    where.add_argument("--address", metavar="HOST:PORT", help="of the Ray cluster")
    where.add_argument(
        "--retries",
        type=numbers.from_zero,
        metavar="N",
        help="begin a comparison again, up to N times, whose worker was killed or whose slot was"
        " lost (2 where there are several slots, or one elsewhere; else 0)",
    )
    where.add_argument(
        "--allow-other-versions",
        action="store_true",
        help="measure in places whose versions differ from this side's, and record them",
    )


def add_timeout(how: argparse._ArgumentGroup) -> None:
    """When to give up."""
    how.add_argument(
        "--timeout",
        type=numbers.positive,
        metavar="S",
        help="give a case up if one of its processes takes S seconds",
    )


def add_shard(what: argparse._ArgumentGroup) -> None:
    """Which part of it."""
    what.add_argument(
        sharding.OPTION,
        type=sharding.parse,
        metavar="I/N",
        help="only the I-th of N parts, which are about equally long; N alone: the I is the task of"
        f" Slurm's job array, {sharding.TASK}",
    )


def add_seed(how: argparse._ArgumentGroup) -> None:
    """Where everything random starts from."""
    how.add_argument(
        "--seed",
        type=numbers.seed,
        default=0,
        metavar="N",
        help="what everything random starts from (0)",
    )


def add_where(command: argparse.ArgumentParser) -> None:
    """Where the records go."""
    where = command.add_argument_group("where the records go")
    add_out(where)
    where.add_argument("--resume", action="store_true", help="go on with --out where it stopped")
    add_wide(where)


def add_out(where: argparse._ArgumentGroup) -> None:
    """The file, and how much is told on the way to it."""
    where.add_argument(
        "--out", type=Path, metavar="FILE.jsonl", help="default: a new file in runs/"
    )
    where.add_argument("--verbose", action="store_true", help="traces, and where the time went")


def add_wide(where: argparse._ArgumentGroup) -> None:
    """How much is printed in the end."""
    where.add_argument(
        "--wide",
        action="store_true",
        help="print every table with all its columns and notes, as Markdown, however wide the"
        " terminal is",
    )
