"""Attacks on text: a row an attack, as in the paper's fifth table, and what they did. Pure."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bench.cases import BASELINE, FORWARD_ONLY, SEMI_BACKWARD, Case
from bench.kinds.text.findings import SentenceRecord, TextFindings
from bench.kinds.text.options import TextOptions
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.kinds.text import means
from reports.reading import energy, levels, models, numbers, promises, published
from reports.reading.machines import Machines
from reports.reading.naming import within_table
from reports.reading.words import variant_spelt
from reports.table import Table
from reports.tables import cells
from semibackward_bench.grammar import counted, form

_SHIPPED = "shipped"
_STAND_IN = "stand-in: "
"""How records tell of our own sentences, and of resources that are none of the user's."""
_FIRST = (SEMI_BACKWARD, FORWARD_ONLY)
"""Variants that have their columns whether they were measured or not."""


@dataclass(frozen=True)
class Attacked:
    """What is known of one case: its name in its table, and its comparisons, by variant."""

    name: str
    case: Case
    comparisons: dict[str, ComparisonRecord]

    @property
    def text(self) -> TextFindings | None:
        """What every comparison found alike; None if none came so far."""
        found = (findings(record) for record in self.comparisons.values())
        return next((text for text in found if text is not None), None)

    def seconds(self, variant: str) -> float | None:
        """Seconds for a sentence: the mean over sentences of the mean of each one's runs.

        The original's runs of all comparisons are taken together.
        """
        runs = self._runs(variant)
        return statistics.fmean(map(statistics.fmean, runs.values())) if runs else None

    def seconds_a_query(self, variant: str) -> float | None:
        """Seconds of all runs over the queries that were made in them."""
        if self.text is None:
            return None
        made = {sentence.line: sentence.queries for sentence in self.text.attacked}
        runs = self._runs(variant)
        queries = sum(len(found) * made[line] for line, found in runs.items())
        return sum(map(sum, runs.values())) / queries if queries else None

    def told(self, cell: Callable[[ComparisonRecord], str]) -> str:
        """A cell on all of its comparisons; each text once."""
        return ", ".join(dict.fromkeys(map(cell, self.comparisons.values())))

    def _runs(self, variant: str) -> dict[int, list[float]]:
        """The seconds of a variant's counted runs, by the sentence's line."""
        found: dict[int, list[float]] = defaultdict(list)
        for record in self.comparisons.values():
            if record.status != "ok" or variant not in record.seconds:
                continue
            samples, text = record.seconds[variant], findings(record)
            attacked = [] if text is None else text.attacked
            for block, part in enumerate(record.parts):
                if block not in record.repeated:
                    found[attacked[part].line] += samples[2 * block : 2 * block + 2]
        return found


def findings(record: ComparisonRecord) -> TextFindings | None:
    """What a comparison found out about its sentences; None if it did not come so far."""
    return record.findings if isinstance(record.findings, TextFindings) else None


def of(run: Run, records: Sequence[ComparisonRecord]) -> list[Table]:
    """Three tables for each victim and setting: speedups, queries, and what became of it.

    Args:
        run: what was measured.
        records: its comparisons of text.
    """
    groups: dict[tuple[object, ...], dict[str, dict[str, ComparisonRecord]]] = {}
    for record in records:
        case = record.case
        # Budgets may differ between the attacks of a suite, so they have a column.
        setting = (case.library, case.model, case.batch, case.with_options(queries=None).options)
        attacks = groups.setdefault((*setting, case.dtype, case.device), {})
        attacks.setdefault(case.id, {})[record.variant] = record
    drawn: list[Table] = []
    for attacks in groups.values():
        cases = [next(iter(found.values())).case for found in attacks.values()]
        rows = list(map(Attacked, within_table(cases), cases, attacks.values()))
        drawn += [_speedups(rows, run), _costs(rows), _deeds(rows)]
    return drawn


def _speedups(rows: Sequence[Attacked], run: Run) -> Table:
    variants = _variants(rows)
    records = [record for row in rows for record in row.comparisons.values()]
    named = [(f"{row.name} {name}", r) for row in rows for name, r in row.comparisons.items()]
    intervals = cells.interval_names(record.speedup for record in records)
    mixed = len(intervals) > 1
    machines = Machines(run.environment)
    where = machines.columns(records)
    of_each = [[r for row in rows if (r := row.comparisons.get(n)) is not None] for n in variants]
    return Table(
        _title(rows[0].case),
        (
            "attack",
            "reads gradients",
            *(f"{variant_spelt(name)} (s)" for name in (BASELINE, *variants)),
            *(f"{variant_spelt(name)}: speedup" for name in variants),
            "published",
            "ours over it",
            *(head for head, _ in where),
        ),
        (
            *(
                (
                    *_speedup_row(row, variants, run, mixed),
                    *(row.told(cell) for _, cell in where),
                )
                for row in rows
            ),
            *((*row, *["-"] * len(where)) for row in means.rows(of_each, machines, mixed=mixed)),
        ),
        (
            "seconds are of a sentence, for orientation; a speedup comes of blocks, each of one"
            f" sentence, with its {cells.interval_words(intervals)}.",
            *cells.notes(named, run),
            *cells.methods(named),
            *cells.circumstances(named, run),
            *_published_notes(rows, run),
            *([cells.averaged(records, machines)] if len(rows) > 1 else []),
        ),
    )


def _speedup_row(row: Attacked, variants: Sequence[str], run: Run, mixed: bool) -> tuple[str, ...]:
    frozen = row.comparisons.get(SEMI_BACKWARD)
    there = published.find(row.case, SEMI_BACKWARD, run.environment.suite)
    over = "-"
    if there is not None and frozen is not None and frozen.speedup is not None:
        over = f"{frozen.speedup.estimate / there.speedup:.2f}"
    return (
        row.name,
        _reads(row),
        *(_number(row.seconds(name)) for name in (BASELINE, *variants)),
        *(_speedup(row.comparisons.get(name), mixed) for name in variants),
        "-" if there is None else f"{there.speedup:.2f}",
        over,
    )


def _speedup(record: ComparisonRecord | None, mixed: bool) -> str:
    if record is None:
        return "-"
    if record.status != "ok":
        return record.status
    found = levels.beside(numbers.with_interval(record.speedup, named=mixed), record)
    verdict = promises.verdict(record)
    return found if verdict == "faster" else f"{found}, {verdict}"


def _costs(rows: Sequence[Attacked]) -> Table:
    """What the attacks asked of the victim, and what an answer cost."""
    variants = _variants(rows)
    return Table(
        f"{_title(rows[0].case)}: queries",
        (
            "attack",
            "at most",
            "queries a sentence",
            "gradient queries",
            *(f"{variant_spelt(name)} (ms a query)" for name in (BASELINE, *variants)),
        ),
        tuple(_cost_row(row, variants) for row in rows),
        (),
    )


def _cost_row(row: Attacked, variants: Sequence[str]) -> tuple[str, ...]:
    found = [] if row.text is None else row.text.attacked
    means = [
        f"{statistics.fmean(getattr(sentence, name) for sentence in found):.3g}" if found else "-"
        for name in ("queries", "gradient_queries")
    ]
    costs = [row.seconds_a_query(name) for name in (BASELINE, *variants)]
    return (
        row.name,
        str(TextOptions.of(row.case).queries or "any"),
        *means,
        *(_number(None if cost is None else 1000 * cost) for cost in costs),
    )


def _deeds(rows: Sequence[Attacked]) -> Table:
    header: tuple[str, ...] = (
        "attack",
        "backward passes nobody reads",
        "forward-only",
        "success",
        "out of queries",
        "sentences",
        "peak memory (MB)",
    )
    drawn = [_deed_row(row) for row in rows]
    said = list(_deed_notes(rows))
    energies = [energy.variants_cell(row.comparisons) for row in rows]
    if any(cell != "-" for cell in energies):
        header = (*header, _ENERGY)
        drawn = [(*deed, cell) for deed, cell in zip(drawn, energies, strict=True)]
        said += energy.notes(record for row in rows for record in row.comparisons.values())
    return Table(f"{_title(rows[0].case)}: what became of it", header, tuple(drawn), tuple(said))


_ENERGY = "energy a sentence (J)"


def _deed_row(row: Attacked) -> tuple[str, ...]:
    if row.text is None or not row.text.attacked:
        return (row.name, *["-"] * 6)
    found = row.text.attacked
    passes = sum(sentence.passes[BASELINE] for sentence in found)
    unread = sum(sentence.unread[BASELINE] for sentence in found)
    return (
        row.name,
        f"{unread} of {passes}",
        _unread_without(row),
        f"{sum(sentence.adversarial is not None for sentence in found)} of {len(found)}",
        f"{sum(sentence.spent for sentence in found)} of {len(found)}",
        _equality(row),
        _memory(row),
    )


def _unread_without(row: Attacked) -> str:
    """Backward passes that nobody reads in forward-only, of all it makes."""
    record = row.comparisons.get(FORWARD_ONLY)
    text = None if record is None else findings(record)
    if record is None or text is None:
        return "-"
    found = text.attacked
    return " of ".join(
        str(sum(kind[FORWARD_ONLY] for kind in kinds))
        for kinds in ([s.unread for s in found], [s.passes for s in found])
    )


def _equality(row: Attacked) -> str:
    found = {cells.equality(record) for record in row.comparisons.values()}
    return found.pop() if len(found) == 1 else " and ".join(sorted(found))


def _memory(row: Attacked) -> str:
    found: dict[str, int] = {}
    for record in row.comparisons.values():
        for name in (record.baseline, record.variant):
            if record.memory is not None:
                found[name] = int(record.memory[name])
    return " → ".join(cells.megabytes(count) for count in found.values()) or "-"


def _deed_notes(rows: Sequence[Attacked]) -> Iterable[str]:
    known = [row for row in rows if row.text is not None]
    facts = [row.text for row in known if row.text is not None]
    for victim, parameters in dict.fromkeys((text.victim, text.parameters) for text in facts):
        yield f"Victim: {victim} ({parameters:,} {form(parameters, 'parameter value')})."
    used = {name: what for text in facts for name, what in text.resources.items()}
    for name, what in sorted(used.items()):
        yield f"Resource {name}: {what}."
    if any(what.startswith(_STAND_IN) for what in used.values()):
        yield (
            "With stand-ins attacks find fewer and other words than with the real resources; what a"
            " query costs is the same."
        )
    bad: dict[str, list[str]] = {}
    for row, text in zip(known, facts, strict=True):
        for sentence in text.sentences:
            if sentence.status != "attacked":
                bad.setdefault(_trouble(sentence), []).append(row.name)
    for said, attacks in bad.items():
        yield f"{', '.join(attacks)}: {said}."
    if any(TextOptions.of(row.case).queries for row in known):
        yield (
            "Attacks were cut off when they had made as many queries as they might, so their"
            " success can't be held against the paper's."
        )
    if any(row.case.weights == "random" for row in known):
        yield "A victim of random weights tells what queries cost, not how robust anything is."


def _trouble(sentence: SentenceRecord) -> str:
    return f"line {sentence.line} {sentence.status}: {sentence.reason}"


def _published_notes(rows: Sequence[Attacked], run: Run) -> Iterable[str]:
    suite = run.environment.suite
    found = [
        (row, there)
        for row in rows
        if (there := published.find(row.case, SEMI_BACKWARD, suite)) is not None
    ]
    yield from published.notes(there for _, there in found)
    if found:
        told = ", ".join(
            f"{row.name} {there.original:g} → {there.semi_backward:g}" for row, there in found
        )
        yield f"Published seconds, original → semi-backward: {told}."


def _variants(rows: Sequence[Attacked]) -> list[str]:
    measured = {name for row in rows for name in row.comparisons}
    return [*(name for name in _FIRST if name in measured), *sorted(measured - set(_FIRST))]


def _reads(row: Attacked) -> str:
    if row.text is None or not row.text.attacked:
        return "-"
    return "yes" if any(sentence.gradient_queries for sentence in row.text.attacked) else "no"


def _number(value: float | None) -> str:
    return "-" if value is None else numbers.significant(value)


def _title(case: Case) -> str:
    own = TextOptions.of(case).sentences
    source = "" if own == _SHIPPED else f" from {own}"
    return (
        f"{case.library} on {models.name(case)}, {counted(case.batch, 'sentence')}{source},"
        f" {case.dtype}, {case.device}"
    )
