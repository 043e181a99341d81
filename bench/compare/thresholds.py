"""What --fail-if is given: how much worse a metric may become, as `speedup:5%`. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from bench.errors import UsageError
from bench.words import closest

OFF = "off"
"""In place of a number: the metric is told and never fails."""


@dataclass(frozen=True)
class Threshold:
    """How much worse a metric may become before it counts as a regression.

    Attributes:
        metric: which.
        share: how much, 0.05 for 5 %; infinite where nothing of it fails.
    """

    metric: str
    share: float

    def __str__(self) -> str:
        return f"{self.metric}:{OFF if math.isinf(self.share) else f'{100 * self.share:g}%'}"


def parse(text: str, metrics: Collection[str]) -> Threshold:
    """Read `METRIC:SHARE`, where a share is `5%`, `2.5%`, `0.05` or `off`.

    Args:
        text: what the user wrote.
        metrics: those that can be held.

    Raises:
        UsageError: the form is wrong, or the metric unknown.
    """
    metric, colon, written = (part.strip() for part in text.partition(":"))
    if not colon:
        raise UsageError(f"--fail-if {text}: give METRIC:PERCENT%, as {next(iter(metrics))}:5%")
    if metric not in metrics:
        raise UsageError(f"--fail-if {text}: unknown metric {metric!r}{closest(metric, metrics)}")
    return Threshold(metric, share(written, f"--fail-if {text}"))


def share(written: str, where: str) -> float:
    """Read how much worse something may become.

    Args:
        written: `5%`, `2.5%`, `0.05` or `off`.
        where: it was found, for the message.

    Raises:
        UsageError: it is no share.
    """
    if written == OFF:
        return math.inf
    number, percent, rest = written.partition("%")
    try:
        value = float(number) / (100 if percent else 1)
    except ValueError:
        value = math.nan
    if rest.strip() or not 0 <= value < math.inf:
        raise UsageError(f"{where}: {written!r} is no share; give 5%, 0.05 or {OFF}")
    if not percent and value > 1:
        raise UsageError(f"{where}: {written} stands for {100 * value:g} %; write {written}%")
    return value
