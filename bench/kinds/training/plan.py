"""The training that somebody has before them, for which reports tell the hours saved. Pure."""

from __future__ import annotations

import argparse
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """A long training.

    Attributes:
        epochs: how many.
        images: in one of them.
    """

    epochs: int = 200
    images: int = 50_000


CIFAR10 = Plan()
"""As papers train on CIFAR-10."""


def add_plan(parser: argparse.ArgumentParser) -> None:
    """Add --plan; it is found as `plan`."""
    parser.add_argument(
        "--plan",
        type=_plan,
        default=CIFAR10,
        metavar="EPOCHSxIMAGES",
        help="the long training that hours saved are told for (200x50000)",
    )


def _plan(text: str) -> Plan:
    epochs, _, images = text.partition("x")
    if not (epochs.isdecimal() and images.isdecimal() and int(epochs) and int(images)):
        raise argparse.ArgumentTypeError(f"{text!r} is no EPOCHSxIMAGES, as 200x50000")
    return Plan(int(epochs), int(images))
