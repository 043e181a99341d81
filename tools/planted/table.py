"""Which gate catches which planted change, as Markdown. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from bench.records.reading import Run
from bench.records.types import Environment
from bench.statistics.estimate import Speedup
from reports.formats import markdown
from reports.table import Table
from semibackward_bench.grammar import counted
from tools.planted.changes import CHANGES, UNCHANGED, Change
from tools.planted.judging import MEMORY_ALLOWED, SECONDS_ALLOWED, SPEEDUP_ALLOWED, Check, Result

CHECKS: Mapping[Check, str] = {
    "counts": "counts",
    "ratios": "run",
    "seconds": f"run, {SECONDS_ALLOWED}",
    "duel": f"duel, {SPEEDUP_ALLOWED}",
    "longer": f"longer duel, {SPEEDUP_ALLOWED}",
}
_COPY = re.compile(r"copy_\d+\.py:attack")
_NOTES = (
    "counts, run: two files, compared by bench compare, which gates counts, ratios"
    " measured in one run, parameter gradients, peak memory, and seconds (25 %).",
    f"run, {SECONDS_ALLOWED}: the same files with --fail-if {SECONDS_ALLOWED}; seconds of two"
    " runs are of two moments of the machine, so only large losses come out.",
    f"duel: bench duel --fail-if {SPEEDUP_ALLOWED} --fail-if {MEMORY_ALLOWED}; the"
    " ratio is time after over time before, with its 95 % interval. How long each measured is in"
    " its command, below.",
    "Each copy is judged by itself, as if nothing else had been measured; those of a file share its"
    " processes, so their errors are not independent.",
)


def draw(results: Sequence[Result], made: Mapping[str, Run]) -> str:
    """The whole page.

    Args:
        results: of all gates.
        made: the files of records, by name.
    """
    rows = [(change.name, _yes(change.harm), *_cells(change, results)) for change in CHANGES]
    rows.append(("no change", "no", *(_alarms(results, check) for check in CHECKS)))
    table = Table(
        "Changes planted in copies of an attack, and the gates that catch them",
        ("change", "harm", *CHECKS.values()),
        tuple(rows),
        (*(f"{change.name}: {change.what}." for change in CHANGES), *_NOTES),
    )
    parts = [
        "# Planted changes",
        "Made by `python -m tools.planted` from the records beside this page.",
        markdown.draw(table),
        "## What the gates say",
        "\n".join(_said(results)) or "Nothing.",
        "## Two equal copies in a duel",
        ", ".join(_equal(results)) or "None was measured.",
        "## Where it was measured",
        *(_where(name, run) for name, run in made.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _where(name: str, run: Run) -> str:
    """Where and how a file was made, and how busy the machine was with other things."""
    seen = [found for record in run.comparisons for found in record.conditions]
    seen += [found for record in run.duels for found in record.conditions]
    others = [found.others for found in seen if found.others is not None]
    busy = f"; other programs kept {median(others):.1f} cores busy" if others else ""
    return f"{name}: {markdown.where(_short(run.environment))}{busy}"


def faults(results: Sequence[Result]) -> list[str]:
    """What is not as it must be: a harm that no gate caught, an alarm where there is no harm."""
    missed = [
        f"{change.name}: no gate caught it"
        for change in CHANGES
        if change.harm and not any(result.caught for result in _of(results, change))
    ]
    alarms = [
        f"{r.copy.change.name} ({r.copy.attack}): {r.check} calls it a regression:"
        f" {'; '.join(r.said)}"
        for r in results
        if r.caught and not r.copy.change.harm
    ]
    return missed + alarms


def _of(results: Sequence[Result], change: Change) -> list[Result]:
    return [result for result in results if result.copy.change == change]


def _short(environment: Environment) -> Environment:
    """With the first copy of all in its command."""
    command = environment.command
    if "--attack" not in command:
        return environment
    first = command.index("--attack") + 2
    kept = [word for word in command[first:] if word != "--attack" and not _COPY.fullmatch(word)]
    return replace(environment, command=[*command[:first], "...", *kept])


def _yes(harm: bool) -> str:
    return "yes" if harm else "no"


def _cells(change: Change, results: Sequence[Result]) -> list[str]:
    own = {result.check: result for result in _of(results, change)}
    return [_cell(own[check]) if check in own else "-" for check in CHECKS]


def _cell(result: Result) -> str:
    said = "caught" if result.caught else "passes"
    return f"{said}, {_ratio(result.speedup)}" if result.speedup else said


def _ratio(found: Speedup) -> str:
    """Time after over time before."""
    if found.low is None or found.high is None:
        return f"{1 / found.estimate:.3f}"
    return f"{1 / found.estimate:.3f} ({1 / found.high:.3f} to {1 / found.low:.3f})"


def _alarms(results: Sequence[Result], check: Check) -> str:
    own = [result for result in _of(results, UNCHANGED) if result.check == check]
    caught = sum(result.caught for result in own)
    return f"{counted(caught, 'alarm')} in {len(own)}" if own else "-"


def _said(results: Sequence[Result]) -> list[str]:
    return [
        f"- {result.copy.change.name}, {CHECKS[result.check]}: {'; '.join(result.said)}."
        for result in results
        if result.caught and result.said
    ]


def _equal(results: Sequence[Result]) -> list[str]:
    own = [result for result in _of(results, UNCHANGED) if result.check == "duel"]
    return [_ratio(result.speedup) for result in own if result.speedup]
