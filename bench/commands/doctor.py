"""`doctor`: what works on this machine, or what freezing a model meets."""

from __future__ import annotations

import argparse

from bench import console
from bench.commands import codes
from bench.errors import UsageError
from bench.kinds import numbers

TEXT = 18
"""Columns before what is said of each thing looked at."""


def add(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of `doctor`."""
    parser.description = (
        "Say what works on this machine and what is missing; or, with --model, what to expect when"
        " that model is frozen. Exit code 5 if something has to be mended."
    )
    parser.add_argument(
        "--model",
        metavar="SPEC",
        help="a name of `list models`, or your own as FILE.py:FUNCTION or package.module:FUNCTION"
        " that returns an nn.Module when called without arguments",
    )
    images = parser.add_mutually_exclusive_group()
    images.add_argument(
        "--input",
        type=numbers.shape,
        metavar="CxHxW",
        help="shape of the images to try it with, as 1x28x28 (default: what the model declares, or"
        " 3x224x224)",
    )
    images.add_argument(
        "--image-size", type=numbers.at_least_one, metavar="N", help="their side alone, in pixels"
    )
    parser.add_argument("--verbose", action="store_true", help="traces")


def run(parsed: argparse.Namespace, words: list[str], started: float) -> int:
    """Do it; the exit code."""
    from bench.commands import machine_doctor, model_doctor

    if parsed.model is not None:
        text, healthy = model_doctor.examine(parsed.model, parsed.image_size, parsed.input)
    elif parsed.image_size is not None or parsed.input is not None:
        option = "--input" if parsed.image_size is None else "--image-size"
        raise UsageError(f"{option} is for the images that a model is tried with: add --model SPEC")
    else:
        text, healthy = machine_doctor.examine()
    console.prose(text, hanging=" " * TEXT)
    return codes.DONE if healthy else codes.NOT_ALL_OK
