"""What --fail-if is given: how much worse a metric may become, as `speedup:5%`. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass

from bench.errors import UsageError
from bench.words import closest

_FORM = re.compile(r"(?P<metric>[\w-]+):(?P<percent>[0-9]*\.?[0-9]+)%")


@dataclass(frozen=True)
class Threshold:
    """How much worse a metric may become before it counts as a regression.

    Attributes:
        metric: which.
        share: how much, 0.05 for 5 %; a ratio of times, memory or counts is held against
            1 + share, so that twice as slow is "100%".
    """

    metric: str
    share: float

    def __str__(self) -> str:
        return f"{self.metric}:{100 * self.share:g}%"


def parse(text: str, metrics: Collection[str]) -> Threshold:
    """Read `METRIC:PERCENT%`.

    Args:
        text: what the user wrote.
        metrics: those that can be held.

    Raises:
        UsageError: the form is wrong, or the metric unknown.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        first = next(iter(metrics))
        raise UsageError(f"--fail-if {text}: give METRIC:PERCENT%, as {first}:5%")
    metric, share = found["metric"], float(found["percent"]) / 100
    if metric not in metrics:
        raise UsageError(f"--fail-if {text}: unknown metric {metric!r}{closest(metric, metrics)}")
    if not math.isfinite(share):
        raise UsageError(f"--fail-if {text}: the percentage is too large")
    return Threshold(metric, share)
