"""What docs/beyond.md says of the shipped workloads, made of committed records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.workloads.shipped import WORKLOADS
from bench.cases import SEMI_BACKWARD
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.formats import markdown
from reports.reading import kind, levels, numbers, places
from reports.table import Table
from reports.tables import cells
from semibackward_bench.grammar import counted
from tools.results import records

BEYOND = "beyond"
NOTHING = "No workload of the suite `beyond` has been measured and committed yet."
TITLE = "Networks that are only passed through: semi-backward against original"
HEAD = (
    "workload",
    "library",
    "passed through",
    "parameter gradients",
    "speedup (95 % interval)",
    "results",
    "peak, MB",
    "command",
)
_LEGEND = (
    "parameter gradients are those of the networks passed through, as the library computes them →"
    " with these networks frozen; what a call returns and leaves behind is compared before anything"
    " is timed"
)


def block(runs: Sequence[Run]) -> str:
    """A table of each file's workloads, and a sentence of each that gains nothing.

    Args:
        runs: the committed files.
    """
    return "\n\n".join(part for run in runs for part in _of(run)) or NOTHING


def _of(run: Run) -> Iterator[str]:
    found = [
        record
        for record in run.comparisons
        if record.case.library == BEYOND and record.variant == SEMI_BACKWARD
    ]
    if not found:
        return
    shown, made = records.shown(run.path), run.environment
    yield (
        f"With torch {records.torch(made)} on {places.machine(made)}, {made.created[:10]}, in"
        f" [`{shown}`](../{shown}):"
    )
    yield markdown.draw(Table(TITLE, HEAD, tuple(map(_row, found)), (f"{_LEGEND}.",)))
    if told := list(filter(None, map(_vain, found))):
        yield "\n".join(f"- {sentence}" for sentence in told)


def _row(record: ComparisonRecord) -> tuple[str, ...]:
    name = record.case.attack
    about = (name, _library(record), _networks(record))
    command = f"python -m bench --libs {BEYOND} --attacks {name}"
    if record.status != "ok":
        return (*about, "-", f"{record.status}: {record.reason}", "-", "-", command)
    return (
        *about,
        cells.gradients(record),
        f"{record.verdict}: {numbers.with_interval(record.speedup, named=True)}",
        "-" if record.equality is None else levels.spelt(record.equality),
        cells.peak(record),
        command,
    )


def _library(record: ComparisonRecord) -> str:
    known = WORKLOADS.get(record.case.attack)
    name = record.case.library if known is None else known.distribution
    return f"{name} {record.case.library_version or ''}".strip()


def _networks(record: ComparisonRecord) -> str:
    found = str(kind.of(record.case).results(record).get("networks", ""))
    return ", ".join(found.split()) or "-"


def _vain(record: ComparisonRecord) -> str | None:
    """What is computed for nobody, in a sentence; None where it was not counted."""
    known, found = WORKLOADS.get(record.case.attack), record.gradients
    if known is None or found is None:
        return None
    computed = int(found[record.baseline])
    told = f"`{record.case.attack}`, {known.what}"
    if not computed:
        return f"{told}: nothing is computed in vain, for {known.wasted}."
    many = counted(int(found["parameters"]), "parameter gradient")
    return f"{told}: {computed} of {many} computed in each call, and nobody reads {known.wasted}."
