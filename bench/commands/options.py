"""Options that several commands have, and the numbers they read. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from bench.cases import BASELINE, DTYPES


def _number(
    kind: Callable[[str], float], least: float, said: str, most: float = 1e15
) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is too small or too large; give {said}")
        return value

    return read


at_least_one = _number(int, 1, "a whole number of at least 1")
_from_zero = _number(int, 0, "a whole number of at least 0")
positive = _number(float, 1e-9, "a number above 0")
_seed = _number(int, 0, "a whole number from 0 to 2**32 - 1", most=2**32 - 1)


def add_what(what: argparse._ArgumentGroup) -> None:
    """What can be measured or counted, images and text, attacks and training."""
    what.add_argument("--libs", nargs="+", metavar="NAME", help="libraries; `list libs` names them")
    add_cases(what)
    what.add_argument(
        "--variants",
        nargs="+",
        metavar="NAME",
        help=f"what to hold against {BASELINE} (semi-backward, and forward-only for black-box"
        " attacks); `list variants`",
    )
    what.add_argument(
        "--a-a",
        action="store_true",
        help=f"also hold {BASELINE} against itself: the smallest effect this run can tell apart",
    )
    what.add_argument(
        "--training",
        nargs="+",
        metavar="METHOD",
        help="measure an optimisation step of adversarial training, the attacks inside it; `list"
        " training`",
    )
    what.add_argument(
        "--data", metavar="digits|FOLDER", help="what to train on: a folder has CIFAR-10 in it"
    )
    what.add_argument(
        "--replays", type=at_least_one, metavar="M", help="of free training, a minibatch (8)"
    )
    what.add_argument(
        "--victim",
        nargs="+",
        metavar="SPEC",
        help="of text: bert-base or bert-tiny with random weights, a folder with a checkpoint, or"
        " the Hugging Face name of one in the local cache; nothing is downloaded",
    )
    what.add_argument(
        "--sentences", type=Path, metavar="FILE", help="of text: your own, one on each line"
    )
    what.add_argument(
        "--queries",
        type=_from_zero,
        metavar="N",
        help="of text: the most an attack may ask for a sentence (0: as many as it likes)",
    )
    what.add_argument(
        "--resources",
        type=Path,
        metavar="DIR",
        help="of text: your WordNet, tagger and so on, laid out as OpenAttack's data; what is not"
        " there stands in",
    )


def add_cases(what: argparse._ArgumentGroup) -> None:
    """What can be asked of attacks on images, whichever library they are of."""
    what.add_argument(
        "--attacks", nargs="+", metavar="NAME", help="attacks; `list attacks`, or all"
    )
    what.add_argument("--models", nargs="+", metavar="NAME", help="timm models; `list models`")
    what.add_argument(
        "--batch",
        nargs="+",
        type=at_least_one,
        metavar="N",
        help="batch sizes; of text, sentences",
    )
    what.add_argument(
        "--steps", nargs="+", type=at_least_one, metavar="N", help="steps of the attack"
    )
    what.add_argument(
        "--defaults",
        action="store_true",
        help="the libraries' own hyperparameters (but --steps), not settings alike for all",
    )
    what.add_argument(
        "--classes", type=at_least_one, metavar="N", help="classes of a model with random weights"
    )
    what.add_argument("--image-size", type=at_least_one, metavar="N", help="side in pixels")
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
    what.add_argument("--images", type=Path, metavar="FOLDER", help="your own photographs")
    weights = what.add_mutually_exclusive_group()
    weights.add_argument(
        "--weights", type=Path, metavar="FILE", help="a state dict, .pt or .safetensors"
    )
    weights.add_argument(
        "--pretrained", action="store_true", help="timm's own weights, downloaded if need be"
    )


def add_limits(how: argparse._ArgumentGroup) -> None:
    """How long and how exactly to measure, and on what."""
    how.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    how.add_argument(
        "--precision",
        type=positive,
        metavar="X",
        help="stop a case when the interval of its log ratio is this narrow, as 0.02",
    )
    how.add_argument(
        "--max-seconds",
        type=positive,
        metavar="S",
        help="or after S seconds of measuring (a slow case takes up to 4 S)",
    )
    how.add_argument("--processes", type=at_least_one, metavar="N", help="fresh workers per case")
    add_timeout(how)


def add_timeout(how: argparse._ArgumentGroup) -> None:
    """When to give up."""
    how.add_argument(
        "--timeout",
        type=positive,
        metavar="S",
        help="give a case up if one of its processes takes S seconds",
    )


def add_seed(how: argparse._ArgumentGroup) -> None:
    """Where everything random starts from."""
    how.add_argument("--seed", type=_seed, default=0, metavar="N", help="of everything random (0)")


def add_where(command: argparse.ArgumentParser) -> None:
    """Where the records go."""
    where = command.add_argument_group("where the records go")
    where.add_argument(
        "--out", type=Path, metavar="FILE.jsonl", help="default: a new file in runs/"
    )
    where.add_argument("--resume", action="store_true", help="go on with --out where it stopped")
    where.add_argument("--verbose", action="store_true", help="traces, and where the time went")
