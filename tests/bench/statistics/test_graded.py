"""The levels of variants that promise nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.statistics.equality import IDENTICAL, Equality, different, graded

SAME_SUCCESS = {"original": 3, "bf16": 3}


def apart(by: float | None, differing: int, differs: tuple[int, ...] | None = ()) -> Equality:
    success = None if differs is None else SAME_SUCCESS
    found = replace(different(by), differing=differing, elements=1000, success=success)
    return replace(found, success_differs=list(differs or ()))


@pytest.mark.parametrize(
    ("found", "level", "equal"),
    [
        (IDENTICAL, "identical", True),
        (apart(1e-6, 1000, (0,)), "rounding", True),
        (apart(1.1e-6, 10), "agreeing", False),
        (apart(1.1e-6, 11), "other", False),
        (apart(0.05, 1, (2,)), "other", False),
        (apart(0.05, 1, None), "other", False),
        (apart(None, 1), "agreeing", False),
        (different(None), "other", False),
    ],
)
def test_outputs_have_the_level_that_they_reach(found: Equality, level: str, equal: bool) -> None:
    told = graded(found)
    assert (told.level, told.equal) == (level, equal)
