"""Tables as Markdown, aligned so that they read well in a terminal too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.records.reading import Run
from bench.records.types import Environment
from reports.reading import naming
from reports.table import Table
from reports.tables import contents
from reports.tables.contents import NOTHING


def report(runs: Sequence[Run], asked: Mapping[str, Any] = NOTHING) -> str:
    """The report of some runs: their tables, and where each was made.

    Args:
        runs: what was measured.
        asked: what the command line said, by name.
    """
    with naming.told_apart(runs):
        parts = [draw(table) for table in contents.together(runs)]
        return "\n\n".join([*parts, *(_run(run, asked) for run in runs)])


def draw(table: Table) -> str:
    """One table with its title and notes."""
    parts = [f"**{escape(table.title)}**", _grid([table.header, *table.rows])]
    if table.notes:
        parts.append("\n".join(f"- {escape(note)}" for note in table.notes))
    return "\n\n".join(parts)


def _run(run: Run, asked: Mapping[str, Any]) -> str:
    parts = [draw(table) for table in contents.of_run(run, asked)] or ["No case has been measured."]
    if run.parts:
        waiting = len({part.key for part in run.parts})
        parts.append(
            f"Comparisons begun and not complete: {waiting}; {run.path} can be gone on with by"
            " --resume."
        )
    if run.cut:
        parts.append(f"The last line of {run.path} is half-written and was left out.")
    parts.append(where(run.environment))
    return "\n\n".join(parts)


def where(environment: Environment) -> str:
    """Where and how a run was made."""
    command = " ".join([*variables(environment), *environment.command])
    where = (
        f"torch {environment.torch['version']}, Python {environment.python},"
        f" {machine(environment)}; {environment.created};"
    )
    return f"{escape(where)}\n`{' '.join(command.replace('`', '').split())}`"


def machine(environment: Environment) -> str:
    """What it was measured on."""
    device = environment.accelerator.get("name")
    cores = f"{environment.processor}, {environment.cores} cores, {environment.threads} threads"
    return f"{device}, {cores}" if device else cores


def variables(environment: Environment) -> list[str]:
    """The variables that were set, but for the one the program sets itself."""
    found = environment.variables.items()
    return [f"{name}={value}" for name, value in found if name != "CUBLAS_WORKSPACE_CONFIG"]


def _grid(rows: Sequence[Sequence[str]]) -> str:
    rows = [[escape(cell) for cell in row] for row in rows]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(rows[0]))]
    rule = ["-" * widths[0], *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    return "\n".join(_line(row, widths) for row in [rows[0], rule, *rows[1:]])


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f"| {' | '.join(padded)} |"


def escape(text: str) -> str:
    """Keep what a record says from being read as markup; underscores inside words are harmless."""
    text = re.sub(r"([\\`*|<>\[\]]|(?<!\w)_|_(?!\w))", r"\\\1", text)
    return " ".join(text.split())
