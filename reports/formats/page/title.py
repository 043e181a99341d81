"""What a page is called: what its cases have in common, and what differs between them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench import telling
from bench.cases import AS_BUILT, Case
from bench.records.types import Environment
from reports.reading import kind, models, places
from reports.reading.places import Place
from reports.reading.words import shortened
from semibackward_bench.grammar import counted

PROGRAM = "Semi-backward Bench"
_NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
)
_LONG = 48
"""Characters of a name in a title."""
_FEW = 3
"""Names that a line bears."""

Measured = tuple[Case, Environment, str]
"""A case, where it was measured, and the GPU's name, if it was one."""


def of(found: Sequence[Place]) -> str:
    """As "pgd on resnet18, CPU: six libraries" or "96 attacks of foolbox on resnet10t, CPU"."""
    measured = _measured(found)
    if not measured:
        return _of_matrices(found) or f"{PROGRAM}: nothing measured"
    cases = list(dict.fromkeys(case for case, _, _ in measured))
    libraries = _distinct(case.library for case in cases)
    on = [models.name(case) for case in cases]
    devices = [_device(case, model) for case, _, model in measured]
    what = _workloads(cases, libraries)
    common = "".join(
        [
            *(f" on {name}" for name in _only(on) if name != AS_BUILT),
            *(f", {name}" for name in _only(devices)),
        ]
    )
    differing = [
        *_counted(libraries, "libraries"),
        *_counted(_distinct(on), "models"),
        *_counted(_distinct(devices), "devices"),
        *_counted(_versions(environment for _, environment, _ in measured), "versions of PyTorch"),
    ]
    several = differing or _counted(_distinct(str(case.batch) for case in cases), "batch sizes")
    told = f"{what}{common}{': ' if several else ''}{', '.join(several)}"
    return telling.line(told)


def _of_matrices(found: Sequence[Place]) -> str:
    """Of cells alone, as "Three attacks on resnet18: six libraries, ten versions of PyTorch"."""
    cells = [cell for place in found for run in place.runs for cell in run.cells]
    if not cells:
        return ""
    cases = [cell.case for cell in cells]
    on = _distinct(models.name(case) for case in cases)
    libraries = _distinct(case.library for case in cases)
    torches = _distinct(cell.torch for cell in cells)
    what = f"{_workloads(cases, libraries)}{''.join(f' on {name}' for name in _only(on))}"
    versions = _counted(torches, "versions of PyTorch") or [f"PyTorch {torches[0]}"]
    return telling.line(f"{what}: {', '.join([*_counted(libraries, 'libraries'), *versions])}")


def facts(found: Sequence[Place]) -> str:
    """How much was measured, on what and when, as "6 comparisons; AMD EPYC, 2 cores; …"."""
    runs = [run for place in found for run in place.runs]
    count = sum(len(run.comparisons) for run in runs)
    cells = [cell for run in runs for cell in run.cells]
    machines = _distinct(name for run in runs for name in places.machines(run.environment))
    torch = _versions(run.environment for run in runs)
    if cells and not count:
        torch = _distinct(cell.torch for cell in cells)
    journals = [journal for place in found for journal in place.journals]
    dates = sorted(_distinct(journal.environment.created[:10] for journal in journals))
    parts = [
        "" if cells and not count else f"{count} comparison{'' if count == 1 else 's'}",
        counted(len(cells), "cell") if cells else "",
        _few(machines, "machines"),
        f"PyTorch {_few(torch, 'versions')}",
        " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "",
    ]
    return telling.line("; ".join(filter(None, parts)))


def _measured(found: Sequence[Place]) -> list[Measured]:
    return [
        (record.case, environment, machines.gpu(record))
        for place in found
        for machines in [place.machines]
        for record, environment in place.comparisons
    ]


def _workloads(cases: Sequence[Case], libraries: Sequence[str]) -> str:
    """The only one by its name; else how many of each kind there are."""
    by_kind: dict[str, list[str]] = {}
    for case in cases:
        told = kind.of(case)
        names = by_kind.setdefault(told.workloads, [])
        if told.name(case) not in names:
            names.append(told.name(case))
    names = [name for some in by_kind.values() for name in some]
    if len(names) == 1:
        return shortened(names[0], 2 * _LONG)
    attacks = _distinct(models.attack(case) for case in cases)
    if len(attacks) == 1 and list(by_kind) == [kind.KindReport.workloads]:
        return shortened(attacks[0], _LONG)
    counts = " and ".join(numbered(len(some), what) for what, some in by_kind.items())
    whose = f" of {shortened(libraries[0], _LONG)}" if len(libraries) == 1 else ""
    return f"{counts[0].upper()}{counts[1:]}{whose}"


def numbered(count: int, things: str) -> str:
    """As "six libraries", "30 attacks" or "one training"."""
    one = f"{things[:-3]}y" if things.endswith("ies") else things.removesuffix("s")
    number = _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"
    return f"{number} {one if count == 1 else things}"


def _counted(values: Sequence[str], things: str) -> list[str]:
    return [numbered(len(values), things)] if len(values) > 1 else []


def _few(values: Sequence[str], things: str) -> str:
    """The values, or of many how many there are."""
    if len(values) > _FEW:
        return numbered(len(values), things)
    return " and ".join(shortened(value, _LONG) for value in values)


def _only(values: Iterable[str]) -> list[str]:
    """What all of them are; nothing where they differ."""
    found = _distinct(values)
    return [shortened(found[0], _LONG)] if len(found) == 1 else []


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _versions(environments: Iterable[Environment]) -> list[str]:
    """Of PyTorch, without what it was built for."""
    return _distinct(str(each.torch["version"]).partition("+")[0] for each in environments)


def _device(case: Case, gpu: str) -> str:
    """A GPU by its name; of processors all are one."""
    return gpu if gpu and case.device != "cpu" else case.device.upper()
