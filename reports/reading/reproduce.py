"""The commands that repeat a comparison, or a whole run, as a shell takes them. Pure."""

from __future__ import annotations

from bench import program, telling
from bench.cases import BASELINE
from bench.records.types import ComparisonRecord, Environment
from reports.reading import joined, kind


def command(record: ComparisonRecord, environment: Environment) -> str:
    """The command that repeats one comparison, or its whole run where only that can be repeated; of
    a shard, the run that it is of."""
    case = record.case
    own = kind.of(case).command(case)
    if own is None:
        words = environment.command
        return program.repeated(joined.whole_command(words) if joined.sharded(words) else words)
    shared = ["--dtype", case.dtype, "--device", case.device, "--seed", environment.seed]
    over = [] if record.baseline == BASELINE else ["--baseline", record.baseline]
    return program.command(*own, *shared, "--variants", record.variant, *over)


def line(record: ComparisonRecord, environment: Environment) -> str:
    """The same, with the variables that were set."""
    return " ".join([*variables(environment), command(record, environment)])


def whole(environment: Environment) -> str:
    """The command that repeats a run, with the variables that were set."""
    return " ".join([*variables(environment), program.repeated(environment.command)])


def variables(environment: Environment) -> list[str]:
    """The variables that were set, but for the one the program sets itself."""
    found = environment.variables.items()
    return [
        f"{telling.shell([name])}={telling.shell([value])}"
        for name, value in found
        if name != "CUBLAS_WORKSPACE_CONFIG"
    ]
