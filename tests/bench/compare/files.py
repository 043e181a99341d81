"""Files to compare, beside those of records."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy

Said = Callable[..., tuple[int, str]]
"""The exit code of `compare` and what was printed, for two files and further words."""


def benchmarks(scale: float = 1.0, **changes: Any) -> str:
    noise = numpy.random.default_rng(0).standard_normal(200) * 0.02
    data = (scale * numpy.exp(noise)).tolist()
    whole = {
        "machine_info": {"machine": "x86_64", "cpu": {"brand_raw": "one", "count": 2}},
        "benchmarks": [{"fullname": "tests/perf/test_x.py::test_pgd", "stats": {"data": data}}],
    }
    return json.dumps({**whole, **changes}, indent=1)
