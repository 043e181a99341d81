"""From records of energy attacks to tables. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.kinds.energy import against, elsewhere, measures, recovery, timing
from reports.table import Table


def of(run: Run, records: Sequence[ComparisonRecord]) -> Iterator[Table]:
    """The tables of a run's energy attacks; none if it has none.

    Args:
        run: what was measured.
        records: its comparisons of energy attacks.
    """
    yield from timing.of(run, records)
    found = measures.ended(run, records)
    drawn = [
        *recovery.of(run, found),
        *against.of(run, found, records),
        *elsewhere.of(run, found),
    ]
    failed = recovery.failures(run)
    if drawn and failed:
        drawn[0] = replace(drawn[0], notes=(*failed, *drawn[0].notes))
    elif failed:
        drawn = [recovery.none_ended(failed)]
    yield from drawn
