"""Numbers on the command line, read with what is wrong with them. Imports nothing heavy."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable


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
from_zero = _number(int, 0, "a whole number of at least 0")
not_negative = _number(float, 0, "a number of at least 0")
from_one = _number(float, 1, "a number of at least 1")
positive = _number(float, 1e-9, "a number above 0")
seed = _number(int, 0, "a whole number from 0 to 2**32 - 1", most=2**32 - 1)


def share(text: str) -> float:
    """A share between 0 and 1, neither of which it is.

    Raises:
        ArgumentTypeError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is no share; give a number between 0 and 1")
    return value


def shape(text: str) -> tuple[int, int, int]:
    """The shape of an image, "1x28x28" or "1×28×28": channels, height, width.

    Raises:
        ArgumentTypeError: it is no such shape, or one of the numbers is below 1.
    """
    found = re.fullmatch(r"([1-9]\d{0,5})[x×]([1-9]\d{0,5})[x×]([1-9]\d{0,5})", text.lower())
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no shape of images; give channels x height x width, such as 1x28x28"
        )
    channels, height, width = map(int, found.groups())
    return channels, height, width
