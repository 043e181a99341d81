"""The energy of runs, where a GPU told it, as cells and notes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.records.types import ComparisonRecord, Timed
from bench.statistics import energy
from reports.reading.words import variant_spelt

RUN = "energy a run (J)"
RATIO = "energy ratio"


def per_run(record: Timed, way: str) -> float | None:
    """Mean joules of the runs that count; None where nobody counted."""
    found = record.energy
    return energy.mean(found.joules[way], record.repeated) if found else None


def ratio(record: Timed) -> float | None:
    """Of the first way over the second; None where no ratio of times is told either."""
    told = record.speedup is not None and record.energy is not None
    return record.energy.ratio if told and record.energy else None


def runs_cell(record: ComparisonRecord) -> str:
    """Both variants' joules, as "12.3 → 8.14"."""
    ways = (record.baseline, record.variant)
    values = [value for way in ways if (value := per_run(record, way)) is not None]
    if record.speedup is None or len(values) < len(ways):
        return "-"
    return " → ".join(map(_joules, values))


def variants_cell(comparisons: Mapping[str, ComparisonRecord]) -> str:
    """The same of several variants of a case, each by its name."""
    told = {name: runs_cell(record) for name, record in comparisons.items()}
    found = {name: cell for name, cell in told.items() if cell != "-"}
    if len(found) == 1:
        return next(iter(found.values()))
    return "; ".join(f"{variant_spelt(name)}: {cell}" for name, cell in found.items()) or "-"


def ratio_cell(record: Timed) -> str:
    """Their ratio, as "1.51"."""
    found = ratio(record)
    return "-" if found is None else f"{found:.2f}"


def notes(records: Iterable[Timed]) -> list[str]:
    """What the figures are, where there are any."""
    if all(record.energy is None or record.speedup is None for record in records):
        return []
    return [
        "Energy: of the whole GPU by its own counter (NVML), from before a run until the device was"
        " done with it; means over the runs that count, and the original's over the variant's."
    ]


def _joules(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}".rstrip(".")
