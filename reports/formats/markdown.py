"""Tables as Markdown, aligned so that they read well in a terminal too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bench import telling
from bench.records.reading import Run
from bench.records.types import Environment
from reports.reading import joined, machines, naming, places, reproduce
from reports.table import Table
from reports.tables import contents
from reports.tables.contents import NOTHING
from semibackward_bench.grammar import counted

escape = telling.markdown


def report(runs: Sequence[Run], asked: Mapping[str, Any] = NOTHING) -> str:
    """The report of some runs: their tables, and where each was made.

    Args:
        runs: what was measured.
        asked: what the command line said, by name.
    """
    return "\n\n".join(parts(runs, asked))


def parts(runs: Sequence[Run], asked: Mapping[str, Any] = NOTHING) -> Iterator[str]:
    """The same in parts, an empty line between them: of many cases, a report is long."""
    with naming.told_apart(runs):
        yield from map(draw, contents.together(runs))
        for run in runs:
            yield from _run(run, asked)


def draw(table: Table) -> str:
    """One table with its title and notes."""
    drawn = [f"**{escape(table.title)}**", _grid([table.header, *table.rows])]
    if table.notes:
        drawn.append("\n".join(f"- {escape(note)}" for note in table.notes))
    return "\n\n".join(drawn)


def _run(run: Run, asked: Mapping[str, Any]) -> Iterator[str]:
    drawn = False
    for table in contents.of_run(run, asked):
        drawn = True
        yield draw(table)
    if not drawn:
        yield "No case has been measured."
    if len(files := joined.journals(run)) > 1:
        yield f"Read from {escape(places.listed([journal.path.name for journal in files]))}."
    begun = {part.key for part in run.parts}
    for journal in files:
        if waiting := len(begun & {part.key for part in journal.parts}):
            yield (
                f"Comparisons begun and not complete: {waiting}; {escape(str(journal.path))} can be"
                " gone on with by --resume."
            )
        if journal.cut:
            yield f"The last line of {escape(str(journal.path))} is half-written and was left out."
        if journal.damaged:
            yield escape(journal.left_out)
    yield where(run.environment)


def where(environment: Environment) -> str:
    """Where and how a run was made."""
    slots = filter(None, [machines.slots(environment)])
    where = (
        f"torch {environment.torch['version']}, Python {environment.python},"
        f" {machine(environment)}; {environment.created};"
        f"{''.join(f' {told};' for told in (*places.elsewhere(environment), *slots))}"
    )
    return f"{escape(where)}\n{telling.markdown_code(reproduce.whole(environment))}"


def machine(environment: Environment) -> str:
    """What it was measured on."""
    device = environment.accelerator.get("name")
    counts = f"{counted(environment.cores, 'core')}, {counted(environment.threads, 'thread')}"
    cores = f"{environment.processor}, {counts}"
    return f"{device}, {cores}" if device else cores


def _grid(rows: Sequence[Sequence[str]]) -> str:
    rows = [[telling.markdown_cell(cell) for cell in row] for row in rows]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(rows[0]))]
    rule = ["-" * widths[0], *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    return "\n".join(_line(row, widths) for row in [rows[0], rule, *rows[1:]])


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f"| {' | '.join(padded)} |"
