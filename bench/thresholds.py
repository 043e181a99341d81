"""How much worse a metric may get: `speedup:5%`, as --fail-if takes it. Pure; imports no torch."""

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
    """What is allowed of one metric.

    Attributes:
        metric: its name.
        allowed: the relative loss that still passes, as 0.05; None if nothing of it fails.
    """

    metric: str
    allowed: float | None


def parse(text: str, metrics: Collection[str], option: str = "--fail-if") -> Threshold:
    """Read "METRIC:LOSS", where a loss is `5%`, `2.5%`, `0.05` or `off`.

    Args:
        text: what the user wrote.
        metrics: the names there are.
        option: what it was given with, for the message.

    Raises:
        UsageError: it can't be understood.
    """
    metric, colon, loss = (part.strip() for part in text.partition(":"))
    if not colon:
        raise UsageError(f"{option} {text!r}: give METRIC:LOSS, as speedup:5%")
    if metric not in metrics:
        raise UsageError(f"{option} {text!r}: unknown metric {metric!r}{closest(metric, metrics)}")
    return Threshold(metric, share(loss, f"{option} {text!r}", below_one=metric == "speedup"))


def share(text: str, where: str, *, below_one: bool = False) -> float | None:
    """Read a relative loss; None for `off`.

    Args:
        text: `5%`, `2.5%`, `0.05` or `off`.
        where: it was found, for the message.
        below_one: whether more than all can't be lost.

    Raises:
        UsageError: it is none.
    """
    if text == OFF:
        return None
    number, percent, rest = text.partition("%")
    try:
        value = float(number) / (100 if percent else 1)
        if rest or not math.isfinite(value):
            raise ValueError
    except ValueError:
        raise UsageError(f"{where}: {text!r} is no loss; give 5%, 0.05 or {OFF}") from None
    if value < 0:
        raise UsageError(f"{where}: a loss is not below 0; give 5%, 0.05 or {OFF}")
    if not percent and value > 1:
        raise UsageError(f"{where}: {text} stands for {100 * value:g} %; write {text}% or 0.05")
    if below_one and value >= 1:
        raise UsageError(f"{where}: a speedup can't lose {100 * value:g} %; give less than 100 %")
    return value
