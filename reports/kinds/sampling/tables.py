"""From records of attacks by Monte-Carlo gradients to tables. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.kinds.sampling import accuracy, agents, claims, growing, measures, timing
from reports.table import Table


def of(run: Run, records: Sequence[ComparisonRecord]) -> Iterator[Table]:
    """The tables of a run's attacks; none if it has none.

    Args:
        run: what was measured.
        records: its comparisons of such attacks.
    """
    yield from timing.of(run, records)
    found = measures.evaluated(run)
    drawn = [
        *accuracy.of(found),
        *growing.of(found),
        *accuracy.calibration(found),
        *claims.of(found),
        *agents.of(measures.agents(run)),
    ]
    failed = accuracy.failures(run)
    if drawn and failed:
        drawn[0] = replace(drawn[0], notes=(*failed, *drawn[0].notes))
    elif failed:
        drawn = [accuracy.none_ended(failed)]
    yield from drawn


def narrow(run: Run) -> Iterator[Table]:
    """What a run ends with in a terminal: accuracies and rewards."""
    yield from accuracy.narrow(measures.evaluated(run))
    yield from agents.narrow(measures.agents(run))
