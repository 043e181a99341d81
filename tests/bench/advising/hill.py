"""A hill of made-up speedups to climb, by a clock that only measuring moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bench.advising import climbing
from bench.advising.budget import Budget
from bench.advising.climbing import Advice, Rung
from bench.advising.ladder import Ground
from bench.records.types import ComparisonRecord
from bench.statistics.equality import Equality, Level
from bench.statistics.estimate import Speedup
from bench.statistics.preparation import Preparation
from bench.variants import naming
from tests.records import timed

ALL = ("a-a", *naming.PARTS)
USUALLY = 10.0
"""Seconds that measuring takes."""


def speedup(ratio: float, processes: int = 1, half: float = 0.01) -> Speedup:
    return Speedup(ratio, ratio * (1 - half), ratio * (1 + half), 0.95, processes, 20, "")


def found(
    variant: str, ratio: float, level: Level = "identical", **changes: Any
) -> ComparisonRecord:
    """A variant's record."""
    equality = Equality(level in ("identical", "rounding"), level == "identical", 0.0, level)
    ready = all(part.ready_at_once for part in naming.parts_of(variant))
    shape: dict[str, Any] = {
        "variant": variant,
        "speedup": speedup(ratio),
        "verdict": "faster" if ratio > 1.04 else "inconclusive",
        "equality": equality,
        "elapsed": USUALLY,
        "seconds": {"original": [1.0] * 4, variant: [1 / ratio] * 4},
        "memory": {"original": 2e8, variant: 1e8, "unit": "bytes", "what": "peak", "ratio": 2.0},
        "gradients": {"call": "backward", "parameters": 62, "original": 62, variant: 0},
        "preparation": None if ready else {variant: Preparation(20.0, 1, 1, [], 44)},
    }
    return timed(ratio=ratio, **{**shape, **changes})


def ended(variant: str, status: str, reason: str) -> ComparisonRecord:
    nothing: dict[str, Any] = {"speedup": None, "verdict": None, "seconds": {}, "equality": None}
    return found(variant, 1.0, status=status, reason=reason, **nothing)


@dataclass
class Hill:
    """What each variant comes to: a record, or a speedup of the same examples.

    Attributes:
        seconds: that measuring each takes, where it is not as long as usual.
        confirmed: what further processes say, where it is something else.
    """

    speeds: Mapping[str, Any]
    seconds: Mapping[str, float] = field(default_factory=dict)
    confirmed: Mapping[str, ComparisonRecord] = field(default_factory=dict)
    now: float = 0.0

    def measure(self, variant: str, patience: float) -> ComparisonRecord:
        self.now += self.seconds.get(variant, USUALLY)
        told = self.speeds.get(variant, 1.0)
        record: ComparisonRecord = told if not isinstance(told, float) else found(variant, told)
        return record

    def confirm(self, record: ComparisonRecord) -> ComparisonRecord:
        assert record.speedup is not None
        further = replace(record, speedup=speedup(record.speedup.estimate, processes=5))
        return self.confirmed.get(record.variant, further)

    def climbed(
        self, device: str = "cpu", seconds: float = 600.0, **ground: Any
    ) -> tuple[list[Rung], Advice]:
        """The rungs, and what they come to."""
        where = Ground(device, **{"fitting": ALL, **ground})
        budget = Budget(seconds, 0.0, lambda: self.now)
        rungs = climbing.Climb(where, budget, self.measure).run()
        return rungs, climbing.concluded(rungs, where, budget, self.confirm)


def measured(rungs: list[Rung]) -> list[str]:
    return [rung.variant for rung in rungs if rung.record is not None]


def left_out(rungs: list[Rung]) -> dict[str, str]:
    return {rung.variant: rung.left_out for rung in rungs if rung.record is None}
