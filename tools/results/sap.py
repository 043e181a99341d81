"""What docs/sap.md says of the paper's claims, made of committed records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.cases import SEMI_BACKWARD
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.formats import markdown
from reports.kinds.sampling import agents, claims, growing, measures, timing
from reports.kinds.sampling.words import briefly, options
from reports.reading import models, places
from semibackward_bench.grammar import counted
from tools.results import records
from tools.results.energy import speedup

NOTHING = "No attack by sampling has been measured and committed yet."


def block(runs: Sequence[Run]) -> str:
    """What the records show; what nobody measured is not told.

    Args:
        runs: the committed files.
    """
    return "\n\n".join(part for run in runs for part in _of(run)) or NOTHING


def _of(run: Run) -> Iterator[str]:
    timed, judged, played = measures.timed(run), measures.evaluated(run), measures.agents(run)
    if not (timed or judged or played):
        return
    yield (
        f"[`{records.shown(run.path)}`](../{records.shown(run.path)}), measured"
        f" {run.environment.created[:10]} with torch {records.torch(run.environment)} on"
        f" {places.machine(run.environment)}:"
    )
    if told := [*_gains(timed), *timing.memory(timed)]:
        yield "\n".join(f"- {said}" for said in told)
    for table in (*growing.of(judged), *claims.of(judged), *agents.of(played)):
        yield markdown.draw(table)


def _gains(timed: Sequence[ComparisonRecord]) -> Iterator[str]:
    """What semi-backward gains with each network, defence and number of samples."""
    known = [r for r in timed if r.variant == SEMI_BACKWARD and r.speedup is not None]
    for name in dict.fromkeys(record.case.model for record in known):
        mine = [record for record in known if record.case.model == name]
        mine.sort(key=lambda r: (r.case.batch, options(r.case).samples))
        told = "; ".join(
            f"{briefly(r.case)}, {counted(r.case.batch, 'image')} {speedup(r)}" for r in mine
        )
        levels = {r.equality.level for r in mine if r.equality is not None}
        same = "; the adversarial images are identical" if levels == {"identical"} else ""
        yield f"Semi-backward on {models.name(mine[0].case)}: {told}{same}."
