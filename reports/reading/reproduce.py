"""The command that repeats a comparison. Pure."""

from __future__ import annotations

import shlex

from bench.records.types import ComparisonRecord, Environment
from reports.reading import kind


def command(record: ComparisonRecord, environment: Environment) -> str:
    """The command that repeats one comparison, quoted for a shell."""
    case = record.case
    shared = ["--dtype", case.dtype, "--device", case.device, "--seed", environment.seed]
    words = ["python", "-m", "bench", *kind.of(case).command(case), *shared]
    return shlex.join(str(word) for word in [*words, "--variants", record.variant])
