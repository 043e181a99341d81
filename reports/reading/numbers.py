"""How many digits of a number are worth printing: as many as its noise leaves standing. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from bench.statistics.estimate import Speedup
from reports.reading.words import WITHIN
from semibackward_bench.grammar import counted

_FEWEST, _MOST = 1, 3
"""Decimals of a ratio."""
_FEWEST_DIGITS, _MOST_DIGITS = 2, 4
"""Significant digits of a time."""
_MAD = 1.4826
_MEDIAN = 1.2533
"""Of a normal sample: its standard deviation over its median absolute deviation, and the standard
error of its median over that of its mean."""


def decimals(half_width: float) -> int:
    """Decimals of a ratio near 1: up to the first digit of its uncertainty.

    Args:
        half_width: of the interval of its logarithm; infinite without one.
    """
    if half_width == 0:
        return _MOST
    if half_width == math.inf:
        return 2
    return min(_MOST, max(_FEWEST, -math.floor(math.log10(half_width))))


def ratio(found: Speedup | None) -> str:
    """A speedup, as "1.57"."""
    return "-" if found is None else f"{found.estimate:.{decimals(found.half_width)}f}"


def interval(found: Speedup | None) -> str:
    """The ends of its interval, as "1.52 to 1.61"."""
    if found is None:
        return "-"
    if found.low is None or found.high is None:
        return f"none: {counted(found.blocks, 'block')}"
    digits = decimals(found.half_width)
    low = _rounded(found.low, digits, ROUND_FLOOR)
    high = _rounded(found.high, digits, ROUND_CEILING)
    return f"{low} to {high}"


def _rounded(value: float, digits: int, direction: str) -> str:
    """To so many decimals; outwards, so that what is printed covers no less than what was found."""
    # A number that is a rounding error away from a shorter one is that one.
    return str(Decimal(f"{value:.12g}").quantize(Decimal(1).scaleb(-digits), direction))


def interval_name(found: Speedup) -> str:
    """What its interval is called, by what it stands on."""
    return WITHIN if found.processes == 1 else f"{100 * found.confidence:g} % interval"


def with_interval(found: Speedup | None, *, named: bool = False) -> str:
    """Both, as "1.57 (1.52 to 1.61)".

    Args:
        found: the speedup.
        named: tell an interval that is of a single process alone, where nothing around says so.
    """
    if found is None:
        return "-"
    name = f" {WITHIN}" if named and found.processes == 1 and found.low is not None else ""
    return f"{ratio(found)} ({interval(found)}{name})"


def span(found: Sequence[Speedup]) -> str:
    """A speedup with its interval, or from which to which several go."""
    if len(found) == 1:
        return with_interval(found[0], named=True)
    ends = dict.fromkeys(ratio(pick(found, key=lambda one: one.estimate)) for pick in (min, max))
    return " to ".join(ends)


def seconds(samples: Sequence[float]) -> str:
    """The median of some times, with the digits that its standard error leaves standing."""
    if not samples:
        return "-"
    middle = statistics.median(samples)
    spread = _MAD * statistics.median(abs(sample - middle) for sample in samples)
    error = _MEDIAN * spread / math.sqrt(len(samples))
    digits = _MOST_DIGITS if error == 0 else _digits(middle, error)
    return significant(middle, 3 if len(samples) < 3 else digits)


def significant(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, without a bare point at its end."""
    return f"{value:#.{digits}g}".rstrip(".")


def _digits(value: float, error: float) -> int:
    standing = math.floor(math.log10(value)) - math.floor(math.log10(error)) + 1
    return min(_MOST_DIGITS, max(_FEWEST_DIGITS, standing))
