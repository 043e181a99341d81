"""Proportions of images, and how far two of them lie apart, each with its interval. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.statistics.estimate import CONFIDENCE, normal_quantile


@dataclass(frozen=True)
class Within:
    """A number with its confidence interval.

    Attributes:
        value: the number.
        low, high: the ends of its interval.
    """

    value: float
    low: float
    high: float


def proportion(found: int, of: int, confidence: float = CONFIDENCE) -> Within:
    """A share with Wilson's score interval (1927), which stays in [0, 1].

    Args:
        found: how many are so.
        of: how many there are, from 1.
        confidence: of the interval.
    """
    z = normal_quantile(confidence)
    share = found / of
    scale = 1 + z * z / of
    middle = (share + z * z / (2 * of)) / scale
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / scale
    return Within(share, max(0.0, middle - half), min(1.0, middle + half))


def difference(first: Within, second: Within) -> Within:
    """How much larger the first proportion is, by Newcombe's hybrid score interval (1998, method
    10), as of independent samples: of the same images, whose answers agree more often than not, it
    is wider than need be."""
    value = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return Within(value, max(-1.0, value - below), min(1.0, value + above))
