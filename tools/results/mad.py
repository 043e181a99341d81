"""What docs/mad.md says of pruning by adversarial saliency, made of committed records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.cases import SEMI_BACKWARD
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.formats import markdown
from reports.kinds.pruning import accuracy, claims, layers, measures
from reports.kinds.pruning.words import inside, options, stage
from reports.reading import models, places
from semibackward_bench.grammar import counted
from tools.results import records
from tools.results.energy import speedup

NOTHING = "No pruning has been measured and committed yet."


def block(runs: Sequence[Run]) -> str:
    """What the records show; what nobody measured is not told.

    Args:
        runs: the committed files.
    """
    return "\n\n".join(part for run in runs for part in _of(run)) or NOTHING


def _of(run: Run) -> Iterator[str]:
    timed = measures.timed(run)
    if not (timed or measures.pruned(run) or measures.scored(run)):
        return
    made, shown = run.environment, records.shown(run.path)
    yield (
        f"{places.machine(made)}, torch {records.torch(made)}, {made.created[:10]},"
        f" [`{shown}`](../{shown}):"
    )
    if told := list(_gains(timed)):
        yield "\n".join(f"- {said}" for said in told)
    for table in (*accuracy.of(run), *claims.of(run), *layers.of(run)):
        yield markdown.draw(table)


def _gains(timed: Sequence[ComparisonRecord]) -> Iterator[str]:
    """What semi-backward gains at each stage, by network and library inside."""
    known = [r for r in timed if r.variant == SEMI_BACKWARD and r.speedup is not None]
    for name, batch in dict.fromkeys((r.case.model, r.case.batch) for r in known):
        mine = [r for r in known if (r.case.model, r.case.batch) == (name, batch)]
        told = "; ".join(f"{_stage(r)} {speedup(r)}" for r in mine)
        levels = {r.equality.level for r in mine if r.equality is not None}
        same = "; what they make is identical" if levels == {"identical"} else ""
        images = counted(batch, "image")
        yield f"Semi-backward on {models.name(mine[0].case)}, {images}: {told}{same}."


def _stage(record: ComparisonRecord) -> str:
    whose = inside(record.case) or f"images of {options(record.case).inside}"
    return f"{stage(record.case)} ({whose})"
