"""What docs/energy.md says of the seed's claims, made of committed records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.cases import SEMI_BACKWARD
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.formats import markdown
from reports.kinds.energy import against, measures
from reports.reading import ceilings, models, places
from semibackward_bench.grammar import counted
from tools.results import records

NOTHING = "No energy attack has been measured and committed yet."


def block(runs: Sequence[Run]) -> str:
    """The seed's claims, beside what the records show; what nobody measured is not told.

    Args:
        runs: the committed files.
    """
    found = [run for run in runs if measures.lines(run)]
    return "\n\n".join(part for run in found for part in _of(run)) or NOTHING


def _of(run: Run) -> Iterator[str]:
    energy = measures.timed(run)
    attacks = measures.ended(run, energy)
    where = places.machine(run.environment)
    yield (
        f"On {where}, torch {records.torch(run.environment)}, {run.environment.created[:10]}"
        f" ([`{records.shown(run.path)}`](../{records.shown(run.path)})):"
    )
    yield "\n".join(f"- {said}" for said in (*_gains(energy), *_recoveries(attacks)))
    for table in against.of(run, attacks, energy):
        if table.title.startswith(against.RECOVERIES):
            yield markdown.draw(table)


def _gains(energy: Sequence[ComparisonRecord]) -> Iterator[str]:
    """What semi-backward gains on each network."""
    known = [r for r in energy if r.variant == SEMI_BACKWARD and r.speedup is not None]
    for name in dict.fromkeys(record.case.attack for record in known):
        mine = [record for record in known if record.case.attack == name]
        told = ", ".join(f"{models.name(r.case)} {speedup(r)}" for r in mine)
        levels = {r.equality.level for r in mine if r.equality is not None}
        same = "the perturbed images are identical" if levels == {"identical"} else ""
        yield f"Semi-backward, a step of `{name}`: {told}{f'; {same}' if same else ''}."
    near = [
        r for r in known if (share := ceilings.reached(r)) is not None and share >= ceilings.NEAR
    ]
    if known:
        yield (
            f"{counted(len(near), 'comparison')} of {len(known)} come to"
            f" {100 * ceilings.NEAR:.0f} % of the ceiling that their operations set; the table of"
            " [results.md](results.md) says of the others what was observed."
        )


def speedup(record: ComparisonRecord) -> str:
    """A speedup with its interval, of a comparison that has one."""
    assert record.speedup is not None
    found = record.speedup
    if found.low is None or found.high is None:
        return f"{found.estimate:.2f}"
    return f"{found.estimate:.2f} [{found.low:.2f}, {found.high:.2f}]"


def _recoveries(attacks: Sequence[measures.Ended]) -> Iterator[str]:
    """Whether GradMDM recovers more than ILFO at no larger an error, network by network."""
    outcomes: dict[str, list[str]] = {}
    for pair in against.pairs(attacks):
        if pair.other.case.attack == "gradmdm":
            outcome = against.outcome(pair)
            outcomes.setdefault(outcome, []).append(models.name(pair.other.case))
    if outcomes:
        told = "; ".join(f"{outcome}, on {', '.join(names)}" for outcome, names in outcomes.items())
        yield (
            "The seed: GradMDM recovers more than ILFO at a smaller error, on every network. Here,"
            f" at no larger an error than ILFO ends with: {told}."
        )
