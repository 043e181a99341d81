"""The command that repeats a comparison. Pure."""

from __future__ import annotations

from bench import telling
from bench.records.types import ComparisonRecord, Environment
from reports.reading import kind


def command(record: ComparisonRecord, environment: Environment) -> str:
    """The command that repeats one comparison, or its whole run, quoted for a shell."""
    case = record.case
    own = kind.of(case).command(case)
    if own is None:
        return telling.shell(environment.command)
    shared = ["--dtype", case.dtype, "--device", case.device, "--seed", environment.seed]
    words = ["python", "-m", "bench", *own, *shared]
    return telling.shell([*words, "--variants", record.variant])
