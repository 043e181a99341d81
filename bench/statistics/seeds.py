"""What networks that were trained from several seeds come to: a mean, and how sure we are of it.

Pure.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from bench.statistics.estimate import CONFIDENCE, t_quantile


@dataclass(frozen=True)
class Mean:
    """A mean over seeds.

    Attributes:
        value: the mean.
        half: half the width of its confidence interval; None of a single seed.
        count: how many seeds went in.
    """

    value: float
    half: float | None
    count: int


def mean(values: Iterable[float], confidence: float = CONFIDENCE) -> Mean | None:
    """The mean of one value a seed, with Student's t interval for the mean of all seeds: ± t(n - 1)
    s / sqrt(n).

    Args:
        values: of each seed.
        confidence: of the interval.

    Returns:
        the mean; None without values.
    """
    found = list(values)
    if not found:
        return None
    half = None
    if len(found) > 1:
        error = statistics.stdev(found) / math.sqrt(len(found))
        half = t_quantile(len(found) - 1, confidence) * error
    return Mean(statistics.fmean(found), half, len(found))
