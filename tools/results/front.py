"""What README.md shows: a picture, a short table, and what is true on today's PyTorch. Pure.

Each sentence is made of what the records hold, so that another record makes another sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from bench.records.reading import Run
from bench.records.types import ComparisonRecord, Environment
from reports.formats import markdown
from reports.reading import causes, kind, levels, models, numbers, places, promises, ways
from reports.reading.explanation import Label, explain
from reports.reading.why import why
from reports.reading.words import spelt
from reports.table import Table
from reports.tables import cells
from semibackward_bench import grammar
from tools.results import records, sample
from tools.results.records import Headline


def makers(runs: Sequence[Run]) -> Mapping[str, Callable[[], str]]:
    """The blocks of README.md, by name."""
    now, before = records.front(runs)
    return {
        "picture": lambda: picture(now, before),
        "table": lambda: table(now),
        "truth": lambda: truth(runs, now, before),
    }


def picture(now: Headline, before: Headline | None) -> str:
    """The plot, light and dark, with what it shows for those who can't see it."""
    there = [now] if before is None or not records.beside(before, now) else [now, before]
    shown = [_versions(one) for one in there]
    told = f"Speedup of each library with its interval, {' and '.join(shown)}"
    return (
        "<picture>\n"
        '<source media="(prefers-color-scheme: dark)" srcset="docs/sample/libraries-dark.svg">\n'
        f'<img src="docs/sample/libraries.svg" width="{sample.WIDTH}" alt="{told}">\n'
        "</picture>"
    )


def table(now: Headline) -> str:
    """A row a library, and where it was made."""
    rows = tuple(
        (
            record.case.library,
            spelt(str((record.gradients or {}).get("call", "-"))),
            levels.beside(numbers.with_interval(record.speedup, named=True), record),
            cells.gradients(record),
        )
        for record in now.records
    )
    drawn = markdown.draw(
        Table(
            kind.of(now.records[0].case).title(now.records[0].case, "library"),
            ("library", "gradient call", "speedup (95 % interval)", "parameter gradients"),
            rows,
            (),
        )
    )
    return (
        f"{drawn}\n\n{_where(now)} `python -m bench report {records.shown(now.run.path)}` prints it"
        " whole."
    )


def _where(now: Headline) -> str:
    made = now.environment
    same = _equality(now.records)
    return f"{_versions(now)}, {markdown.machine(made)}, {made.created[:10]}; {same}."


def _equality(found: Iterable[ComparisonRecord]) -> str:
    counted = Counter(record.equality.level for record in found if record.equality is not None)
    if set(counted) == {"identical"}:
        return "all adversarial examples were the same, bit for bit"
    told = ", ".join(f"{level} {count}" for level, count in counted.items())
    return f"adversarial examples: {told}"


def truth(runs: Sequence[Run], now: Headline, before: Headline | None) -> str:
    """What is gained, what is not, what compiling makes of that, and of how much that is known."""
    told = (_gained(now), _not_gained(now, before), _compiled(runs), _known(runs))
    return " ".join(filter(None, told))


def _compiled(runs: Sequence[Run]) -> str:
    """What compiled code computes where eager code computes nothing; "" where nobody looked."""
    found = [
        (record, seen[record.baseline].parameters, seen[record.variant].parameters)
        for run in runs
        for record in run.comparisons
        if (seen := record.anatomy and record.anatomy.compiled)
        and (record.gradients or {}).get(record.baseline) == 0
        and seen[record.baseline].parameters
    ]
    if not found:
        return ""
    record, computed, frozen = max(found, key=lambda one: one[1])
    every = (record.gradients or {}).get("parameters")
    return (
        f"`torch.compile` brings them back: on {models.name(record.case)} its backward pass"
        f" computes {computed} of {grammar.counted(every, 'parameter gradient')}, whatever is asked"
        f" for, and {frozen} where the parameters are frozen."
    )


def _gained(now: Headline) -> str:
    faster = [record for record in now.records if record.verdict == "faster"]
    if not faster:
        return f"On {_versions(now)} freezing makes no library's attack measurably faster."
    estimates = [numbers.ratio(r.speedup) for r in faster]
    span = " to ".join(dict.fromkeys((min(estimates, key=float), max(estimates, key=float))))
    calls = {str((record.gradients or {}).get("call")) for record in faster}
    in_vain = {causes.computed(record) for record in faster}
    because = (
        f", since `{spelt(calls.pop())}` computes {in_vain.pop()}, which an attack throws away"
        if len(calls) == len(in_vain) == 1
        else ""
    )
    return (
        f"On {_versions(now)} freezing makes {len(faster)} of"
        f" {grammar.counted(len(now.records), 'library', 'libraries')}"
        f" {span} times as fast{_conditions(faster)}{because}."
    )


def _conditions(faster: Sequence[ComparisonRecord]) -> str:
    """What must stand beside the speedups: outputs that differ, and verdicts of one process."""
    counted = Counter(filter(None, map(levels.word, faster)))
    told = [f"in {count} with {levels.outputs(word)}" for word, count in counted.items()]
    if here := sum(map(promises.only_here, faster)):
        told.append(f"in {here} {promises.ONLY_HERE} only")
    return f" ({'; '.join(told)})" if told else ""


def _not_gained(now: Headline, before: Headline | None) -> str:
    rest = [record for record in now.records if record.verdict != "faster"]
    if not rest:
        return "No library goes without a gain."
    said = [_why_not(record, now.environment) for record in rest]
    for record in rest:
        then = _then(record, before)
        if then is not None and before is not None:
            said.append(
                f"on {_versions(before)}{_elsewhere(before, now)} it computed"
                f" {causes.computed(then)}, and freezing made it"
                f" {numbers.with_interval(then.speedup)} times as fast"
            )
    return f"{'; '.join(said)}."


def _elsewhere(before: Headline, now: Headline) -> str:
    if records.folder(before.run) == records.folder(now.run):
        return ""
    return f" ({places.machine(before.environment)})"


def _why_not(record: ComparisonRecord, environment: Environment) -> str:
    found = levels.beside(numbers.with_interval(record.speedup, named=True), record)
    because = why(record, environment)
    return f"{record.case.library} comes to {found}{f': {because}' if because else ''}"


def _then(record: ComparisonRecord, before: Headline | None) -> ComparisonRecord | None:
    """The same library before, where it was faster then."""
    found = before.records if before is not None else ()
    there = [one for one in found if one.case.library == record.case.library]
    return next((one for one in there if one.verdict == "faster"), None)


def _known(runs: Sequence[Run]) -> str:
    there = sample.chosen(runs).get("anatomy", [])
    labels = Counter(
        told.label
        for run in there
        for record in run.comparisons
        if ways.usual(record) and ways.freezes(record) and record.anatomy is not None
        if (told := explain(record, run.environment)) is not None
    )
    counted = [
        f"{labels[label]} {grammar.form(labels[label], *said)}"
        for label, said in _LABELS.items()
        if labels[label]
    ]
    every = (
        f"Of {grammar.counted(labels.total(), 'attack')} dissected, {', '.join(counted)}"
        if counted
        else "No attack has been dissected"
    )
    gpu = "" if any(map(records.on_gpu, runs)) else _NO_GPU
    return f"{every}{gpu}."


_LABELS: Mapping[Label, tuple[str, str]] = {
    "benefits": ("benefits", "benefit"),
    "mixed": ("benefits in part", "benefit in part"),
    "already optimal": (
        "already computes no parameter gradient in eager mode",
        "already compute no parameter gradient in eager mode",
    ),
    "gradient-free": ("asks for no gradient at all", "ask for no gradient at all"),
    "loses": ("loses", "lose"),
    "no effect": ("is out of its reach", "are out of its reach"),
    "not seen": ("could not be seen through", "could not be seen through"),
}
_NO_GPU = "; nothing has been measured on a GPU yet"


def _versions(one: Headline) -> str:
    return f"torch {one.torch}"
