"""The two programs for pyperf, which runs this file in processes of its own."""

from __future__ import annotations

import os

import pyperf

from tools.selfcheck.workload import programs

if __name__ == "__main__":
    runner = pyperf.Runner()
    first, second = programs(os.environ["SELFCHECK_EFFECT"])
    runner.bench_func("first", first)
    runner.bench_func("second", second)
