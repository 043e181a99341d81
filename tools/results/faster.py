"""What docs/faster.md says of variants that go beyond freezing, made of committed records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.formats import markdown
from reports.reading import levels, naming, numbers, places, preparation, ways
from reports.table import Table
from reports.tables import cells, modes
from tools.results import records

NOTHING = "No variant that goes beyond freezing has been measured and committed yet."
NO_MODES = "Nothing compiled has been looked at and committed yet."
_HEAD = (
    "variant",
    "held against",
    "speedup (95 % interval)",
    "examples",
    "parameter gradients",
    "memory",
    "prepared in, paid off after",
)
_LEGEND = (
    "memory is the baseline's peak over the variant's; times of this machine are in the file, and"
    " say nothing of another"
)


def block(runs: Sequence[Run]) -> str:
    """A table for each case that was run in such variants.

    Args:
        runs: the committed files.
    """
    return "\n\n".join(part for run in runs for part in _of(run)) or NOTHING


def compiled(runs: Sequence[Run]) -> str:
    """What backward passes were seen to compute and keep, eager and compiled.

    Args:
        runs: the committed files.
    """
    found = [(run, list(modes.of(run.comparisons))) for run in runs]
    parts = [
        part
        for run, tables in found
        if tables
        for part in (_where(run), *(markdown.draw(table) for table in tables))
    ]
    return "\n\n".join(parts) or NO_MODES


def _of(run: Run) -> Iterator[str]:
    beyond = {record.case_id for record in run.comparisons if not ways.usual(record)}
    found = [record for record in run.comparisons if record.case_id in beyond]
    if not found:
        return
    yield _where(run)
    name = naming.of([record.case for record in found])
    for case_id in dict.fromkeys(record.case_id for record in found):
        mine = [record for record in found if record.case_id == case_id]
        title = f"{name(mine[0].case)}{name.common}"
        yield markdown.draw(Table(title, _HEAD, tuple(map(_row, mine)), (f"{_LEGEND}.",)))


def _where(run: Run) -> str:
    made, shown = run.environment, records.shown(run.path)
    return (
        f"[`{shown}`](../{shown}), {made.created[:10]}, on {places.machine(made)} with torch"
        f" {records.torch(made)}:"
    )


def _row(record: ComparisonRecord) -> tuple[str, ...]:
    if record.status != "ok":
        return (record.variant, record.baseline, f"{record.status}: {record.reason}", *("-",) * 4)
    return (
        record.variant,
        record.baseline,
        numbers.with_interval(record.speedup, named=True),
        "-" if record.equality is None else levels.spelt(record.equality),
        cells.gradients(record),
        _memory(record),
        preparation.cell(record),
    )


def _memory(record: ComparisonRecord) -> str:
    ratio = (record.memory or {}).get("ratio")
    return numbers.significant(ratio, 3) if isinstance(ratio, int | float) else "-"
