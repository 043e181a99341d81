"""Comparisons of variants that are made of several parts, at every level, as they are recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.records.memory import MemoryParts
from bench.records.types import ComparisonRecord
from bench.statistics.equality import IDENTICAL, Equality
from bench.statistics.estimate import Speedup
from bench.statistics.preparation import Preparation
from tests.cases import FIELDS, changed
from tests.records import GAIN

BOTH, THREE, FAST = "compiled+semi-backward", "bf16+channels-last", "bf16+compiled+semi-backward"
ROUNDS = Equality(
    equal=True,
    bitwise=False,
    max_abs_diff=4.8e-7,
    level="rounding",
    differing=90,
    elements=12288,
    success={"original": 4, "channels-last": 4},
)
AGREES = Equality(
    equal=False,
    bitwise=False,
    max_abs_diff=0.0081,
    level="agreeing",
    differing=74,
    elements=12288,
    success={"original": 4, THREE: 4},
)
OTHER = Equality(
    equal=False,
    bitwise=False,
    max_abs_diff=0.047,
    level="other",
    differing=160,
    elements=12288,
    success={"original": 4, FAST: 2},
    success_differs=[1, 3],
)
TOOK = Preparation(41.3, 2, 2, pays_off=120)
LOST = Preparation(38.0, 2, 4, breaks=["a call of print", "data-dependent <b>branch</b>"])


def composed(
    variant: str,
    estimate: float,
    equality: Equality | None = IDENTICAL,
    baseline: str = "original",
    **changes: Any,
) -> ComparisonRecord:
    """A variant over a baseline, so many times as fast in five processes.

    `changes`: of the record, or of its case.
    """
    of_case = {key: changes.pop(key) for key in list(changes) if key in FIELDS}
    case = changed(GAIN.case, **of_case)
    computed = {name: 0 if "semi-backward" in name else 62 for name in (baseline, variant)}
    peaks = {baseline: 2000, variant: 1000}
    if equality is not None and equality.success is not None:
        succeeds = zip(peaks, equality.success.values(), strict=True)
        equality = replace(equality, success=dict(succeeds))
    slow, fast = [1.5 + 0.01 * (i % 3) for i in range(24)], [1.0] * 24
    record = replace(
        GAIN,
        case=case,
        case_id=case.id,
        baseline=baseline,
        variant=variant,
        verdict="faster" if estimate > 1.02 else "slower" if estimate < 0.98 else "same",
        speedup=Speedup(estimate, estimate / 1.01, estimate * 1.01, 0.95, 5, 12, "t interval"),
        equality=equality,
        theory=None,
        operations=None,
        observed=None,
        faults=None,
        gradients={"call": "backward", "parameters": 62, **computed},
        memory={**peaks, "unit": "bytes", "what": "peak", "ratio": 2.0},
        memory_parts={name: MemoryParts(0, 900, 0, 100) for name in peaks},
        seconds={baseline: slow, variant: [each / estimate * 1.5 for each in fast]},
        order=["ABBA"] * 12,
        processes=[number // 3 for number in range(12)],
        diagnosis=None,
        warnings=[],
    )
    return replace(record, **changes)


FROZEN = composed("semi-backward", 1.28)
SLOWER = composed("compiled", 0.67, preparation={"compiled": LOST})
COMPILED = composed(BOTH, 1.75, preparation={BOTH: TOOK})
OVER = composed(
    BOTH, 1.63, baseline="compiled", preparation={"compiled": LOST, BOTH: replace(TOOK, pays_off=0)}
)
CHANNELS = composed("channels-last", 1.1, ROUNDS)
AGREEING = composed(THREE, 2.4, AGREES)
FASTEST = composed(FAST, 4.2, OTHER, preparation={FAST: TOOK}, recompilations=2)
UNSUPPORTED = replace(
    composed("graphed", 1.0, None),
    status="unsupported",
    reason="graphed: it is for cuda, and this is cpu",
    speedup=None,
    verdict=None,
    seconds={},
    order=[],
    processes=[],
    gradients=None,
    memory=None,
    memory_parts=None,
)
EVERY = (FROZEN, SLOWER, COMPILED, OVER, CHANNELS, AGREEING, FASTEST, UNSUPPORTED)
