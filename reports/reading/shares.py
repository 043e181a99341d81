"""How the original's time divides in instrumented runs; where it does not, why not. Pure."""

from __future__ import annotations

from bench.records.types import ComparisonRecord
from bench.statistics import anatomy
from bench.statistics.anatomy import Split
from reports.reading import causes, ways


def of(record: ComparisonRecord) -> Split | None:
    """The shares of the baseline's time; None where it was not dissected, or can't be divided: by
    what freezing leaves out, and so of no variant that does more."""
    found = record.anatomy if ways.explained(record) else None
    if found is None or not {record.baseline, record.variant} <= found.parts.keys():
        return None
    idle = found.computing == 0 and causes.wasting(record, 0) == 0
    return anatomy.split(found, record.baseline, record.variant, idle=idle)


def unknown(record: ComparisonRecord) -> str | None:
    """Why what parameter gradients take of the time is not known; None where it is."""
    split, found = of(record), record.anatomy if ways.explained(record) else None
    if found is None or (split is not None and split.parameter_gradients is not None):
        return None
    whole, frozen = found.parts[record.baseline], found.parts[record.variant]
    if not whole.seconds or whole.forward is None or whole.backward is None:
        return "the parts of its time are not known"
    if split is None:
        inside = 100 * (whole.forward + whole.backward) / whole.seconds
        return (
            "its time can't be divided: forward and backward passes add up to"
            f" {inside:.0f} % of the run that they are part of"
        )
    if frozen.backward is None:
        return f"the parts of the time of {record.variant} are not known"
    return (
        "the time of its parameter gradients can't be told: the backward passes took"
        f" {frozen.backward / whole.backward:.2f} times as long {record.variant}"
    )


def of_parameter_gradients(record: ComparisonRecord) -> str | None:
    """What they take, as "33 % of the time"; by operations where the time does not tell."""
    split, found = of(record), record.anatomy
    if split is not None and split.parameter_gradients is not None:
        return f"{100 * split.parameter_gradients:.0f} % of the time"
    by_operations = found and anatomy.ceiling_by_operations(found, record.baseline, record.variant)
    return f"{100 * (1 - 1 / by_operations):.0f} % of the operations" if by_operations else None
