"""From records of pruning by adversarial saliency to tables. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.kinds.pruning import accuracy, claims, layers, pipeline, timing
from reports.table import Table


def of(run: Run, records: Sequence[ComparisonRecord]) -> Iterator[Table]:
    """The tables of a run; none if it has nothing of pruning.

    Args:
        run: what was measured.
        records: its comparisons of stages.
    """
    yield from timing.of(run, records)
    drawn = [*accuracy.of(run), *claims.of(run), *pipeline.of(run), *layers.of(run)]
    yield from _with_failures(run, drawn)


def narrow(run: Run) -> Iterator[Table]:
    """What a run ends with in a terminal, behind the speedups of stages: accuracy by criterion, and
    the seconds of the whole pipeline by stage."""
    yield from _with_failures(run, [*accuracy.narrow(run), *pipeline.narrow(run)])


def _with_failures(run: Run, drawn: Sequence[Table]) -> Iterator[Table]:
    """Tables, with what did not come to its end in the notes of the first; or a table of that."""
    failed = accuracy.failures(run)
    if drawn:
        yield replace(drawn[0], notes=(*failed, *drawn[0].notes))
        yield from drawn[1:]
    elif failed:
        yield accuracy.none_ended(failed)
