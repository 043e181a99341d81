"""The two programs for pytest-benchmark."""

from __future__ import annotations

import os
from typing import Any

from tools.selfcheck.workload import programs

FIRST, SECOND = programs(os.environ["SELFCHECK_EFFECT"])


def test_first(benchmark: Any) -> None:
    benchmark(FIRST)


def test_second(benchmark: Any) -> None:
    benchmark(SECOND)
