"""Where runs were made, and how several of them stand side by side. Pure.

Files of one machine, one torch and one set of versions that measured different cases are one
column: they are parts of one run. Files that measured the same case are columns of their own.
Tables, plots and data all tell runs apart by this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.cases import Case, against
from bench.records.reading import Run
from bench.records.types import ComparisonRecord, Environment
from reports.reading import joined
from reports.reading.machines import Machines, models
from reports.reading.words import shortened
from semibackward_bench.grammar import counted

_FEW = 8
"""Files that a line names."""


@dataclass(frozen=True)
class Place:
    """Runs that stand in one column.

    Attributes:
        label: what tells it from the others, in a few words; no two share one.
        runs: one file or more.
    """

    label: str
    runs: tuple[Run, ...]

    @property
    def comparisons(self) -> list[tuple[ComparisonRecord, Environment]]:
        """What was measured there, each with where."""
        return [
            (record, journal.environment)
            for run in self.runs
            for record, journal in joined.comparisons(run)
        ]

    @property
    def journals(self) -> tuple[Run, ...]:
        """Its files, each as it was read."""
        return tuple(journal for run in self.runs for journal in joined.journals(run))

    @property
    def machines(self) -> Machines:
        """What is known of the slots it was measured on."""
        return Machines(*(run.environment for run in self.runs))


def asked(record: ComparisonRecord) -> tuple[Case, str]:
    """What a comparison answers, whatever it ran on: the case without versions and devices, and the
    variant with what it is held against."""
    return replace(record.case, library_version=None, device=""), against(
        record.variant, record.baseline
    )


def of(runs: Sequence[Run]) -> list[Place]:
    """The columns of some runs, in the order of their first files, each with a label of its own."""
    if len(runs) == 1:
        return [Place(_called(runs[0].environment), tuple(runs))]
    columns: list[tuple[dict[str, str], set[tuple[Case, str]], list[Run]]] = []
    for run in runs:
        facts, cases = _facts(run.environment), {asked(record) for record in run.comparisons}
        for theirs, there, column in columns:
            if theirs == facts and not there & cases:
                there |= cases
                column.append(run)
                break
        else:
            columns.append((facts, cases, [run]))
    labels = _labels([(facts, column) for facts, _, column in columns])
    return [
        Place(label, tuple(column)) for label, (_, _, column) in zip(labels, columns, strict=True)
    ]


def listed(files: Sequence[str]) -> str:
    """Names of files; of many the first ones, and how many more there are."""
    more = len(files) - _FEW
    return ", ".join(files if more < 2 else [*files[:_FEW], f"and {counted(more, 'more file')}"])


def machine(environment: Environment) -> str:
    """What it was measured on: the GPU, else the processor."""
    name = environment.accelerator.get("name")
    return str(name) if name else f"{environment.processor}, {counted(environment.cores, 'core')}"


def machines(environment: Environment) -> list[str]:
    """The same, where a run's slots ran on several kinds of these."""
    found = models(environment)
    return found if len(found) > 1 else [machine(environment)]


def _called(environment: Environment) -> str:
    *most, last = machines(environment)
    return f"{', '.join(most)} and {last}" if most else last


def _facts(environment: Environment) -> dict[str, str]:
    """What may make two measurements differ, the telling ones first."""
    libraries = environment.libraries
    return {
        "machine": _called(environment),
        "device": environment.device.partition(":")[0],
        "torch": f"torch {environment.torch['version']}",
        "python": f"Python {environment.python}",
        "threads": counted(environment.threads, "thread"),
        "variables": _variables(environment),
        "memory": _memory(environment),
        **{name: f"{name} {version}" for name, version in sorted(libraries.items())},
        "code": ", ".join(elsewhere(environment)),
    }


def elsewhere(environment: Environment) -> list[str]:
    """The libraries that were not imported from where pip puts them, and which code they are."""
    origins = sorted(environment.origins.items())
    return [f"{name} {found.told}" for name, found in origins if not found.installed]


def _memory(environment: Environment) -> str:
    """Whether it was kept; nothing of records from before that was looked at."""
    found = environment.memory
    return "" if found is None else f"memory {found.told.partition(' (')[0]}"


def _variables(environment: Environment) -> str:
    """Those that were set by hand; long values in part."""
    told = [
        f"{name}={shortened(value, 12)}"
        for name, value in sorted(environment.variables.items())
        if name != "CUBLAS_WORKSPACE_CONFIG"  # the program sets it
    ]
    return " ".join(told)


def _labels(columns: Sequence[tuple[dict[str, str], list[Run]]]) -> list[str]:
    """The facts that differ between columns, as few as tell them apart; else dates, else files.

    The same file twice is numbered.
    """
    if len(columns) == 1:
        return [columns[0][0]["machine"]]
    names = dict.fromkeys(name for facts, _ in columns for name in facts)
    differing = [name for name in names if len({facts.get(name) for facts, _ in columns}) > 1]
    found = [""] * len(columns)
    for name in differing:
        if len(set(found)) == len(found):
            break
        told = [facts.get(name, "") for facts, _ in columns]
        tried = [", ".join(filter(None, pair)) for pair in zip(found, told, strict=True)]
        if len(set(tried)) > len(set(found)):
            found = tried
    for further in (_date, lambda runs: runs[0].path.stem, lambda runs: str(runs[0].path)):
        if len(set(found)) == len(found):
            break
        told = [further(runs) for _, runs in columns]
        found = [", ".join(filter(None, pair)) for pair in zip(found, told, strict=True)]
    if len(set(found)) < len(found):
        found = [f"{label} {number}" for number, label in enumerate(found, 1)]
    return found


def _date(runs: Iterable[Run]) -> str:
    return min(run.environment.created for run in runs)[:16].replace("T", " ")
