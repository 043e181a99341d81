"""One self-contained web page of some runs, by jinja2 and matplotlib.

It needs no network and no other file, and no script but its own may run in it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib.resources
import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import jinja2
import markupsafe

from bench import program, telling
from bench.cases import BASELINE
from bench.records.reading import Run
from bench.records.types import ComparisonRecord, Environment
from reports import figures
from reports.formats.page import rows as table
from reports.formats.page import title
from reports.formats.page.rows import Column, Row
from reports.reading import joined, levels, naming, places, promises, reproduce, summary, ways
from reports.reading.machines import GPU, HOST, Machines, slots
from reports.tables import cells, contents
from reports.tables.contents import NOTHING
from semibackward_bench import grammar

MOST_TABLES = 40
"""Tables that a page bears; `--format md` has them all."""
_FILTERS = ("library", "attack", "model", "device", HOST, GPU, "variant", "verdict", "run")
_SCALE = 1.35
"""A plot is made for a printed column, and read from farther away on a screen."""
_WIDE, _COLUMN = 900, 560
"""Pixels: of a plot that doesn't say, and of what stands beside another."""


def render(runs: Sequence[Run], asked: Mapping[str, Any] = NOTHING) -> str:
    """The page, as HTML.

    Args:
        runs: what was measured; their files are read again, to be downloaded from the page.
        asked: what the command line said, by name.
    """
    with naming.told_apart(runs):
        return _rendered(runs, asked)


def _rendered(runs: Sequence[Run], asked: Mapping[str, Any]) -> str:
    found = places.of(runs)
    records = [record for place in found for record, _ in place.comparisons]
    baseline = ways.baseline_of(records) if records else BASELINE
    intervals = cells.interval_names(record.speedup for record in records)
    machines = {
        id(run.environment): Machines(run.environment) for place in found for run in place.journals
    }
    rows = [
        table.row(record, environment, machines[id(environment)], place, mixed=len(intervals) > 1)
        for place in found
        for record, environment in place.comparisons
    ]
    columns = table.columns(rows)
    opening = figures.opening(runs)
    plots = [p for p in figures.plots(runs) if opening is None or p.name not in opening.repeats]
    tables = list(itertools.islice(contents.of(runs, asked), MOST_TABLES + 1))
    script = _read("page.js")
    return _template().render(
        program=title.PROGRAM,
        title=title.of(found),
        measured=title.facts(found),
        summary=[_with_code(sentence) for sentence in (*summary.of(runs), *joined.notes(runs))],
        opening=None if opening is None else _opening(opening),
        rows=rows,
        cells=any(run.cells for run in runs),
        baseline=baseline,
        several=ways.SEVERAL,
        the_baseline=ways.the(baseline),
        meanings=_meanings(records),
        interval=cells.interval_words(intervals),
        only_here=promises.ONLY_HERE if any(map(promises.only_here, records)) else "",
        columns=columns,
        width=round(sum(column.width for column in columns if column.main), 1),
        filters={column.name: _choices(rows, column) for column in _filtered(columns)},
        plots=sorted(map(_plot, plots), key=lambda plot: plot["broad"]),
        report=program.command("report"),
        tables=tables[:MOST_TABLES],
        more_tables=len(tables) > MOST_TABLES,
        runs=[
            _facts(journal, place.label, {part.key for part in run.parts})
            for place in found
            for run in place.runs
            for journal in joined.journals(run)
        ],
        style=markupsafe.Markup(_style()),
        script=markupsafe.Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _meanings(records: Sequence[ComparisonRecord]) -> list[tuple[str, str]]:
    """The levels that stand in the table and do not say what they are."""
    found = ((level, levels.meaning(level)) for level in levels.words_of(records))
    return [(level, meaning) for level, meaning in found if meaning is not None]


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        finalize=telling.html,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.from_string(_read("page.html"))


def _read(name: str) -> str:
    return importlib.resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def _with_code(sentence: str) -> markupsafe.Markup:
    """A sentence, with what stands between backquotes as code."""
    parts = [markupsafe.escape(part) for part in telling.line(sentence).split("`")]
    code = markupsafe.Markup("<code>{}</code>")
    told = (code.format(part) if at % 2 else part for at, part in enumerate(parts))
    return markupsafe.Markup("").join(told)


def _style() -> str:
    """The page's own style and the plots' colours: dark where the reader wants it, but on paper."""
    light, dark = (
        "; ".join(f"{name}: {value}" for name, value in figures.variables(theme).items())
        for theme in (figures.LIGHT, figures.DARK)
    )
    wanted = "@media screen and (prefers-color-scheme: dark)"
    return f":root {{ {light} }}\n{wanted} {{ :root {{ {dark} }} }}\n{_read('page.css')}"


def _filtered(columns: Sequence[Column]) -> list[Column]:
    """The columns that rows can be chosen by, in the order of the filters."""
    by_name = {column.name: column for column in columns}
    return [by_name[name] for name in _FILTERS if name in by_name]


def _choices(rows: Sequence[Row], column: Column) -> list[str]:
    return sorted({row.cells[column.name].text for row in rows})


def _opening(found: figures.Opening) -> dict[str, Any]:
    """The wide plot and the narrow one, of which a screen shows one."""
    return {
        "what": found.what,
        "description": found.wide.description,
        "svg": {name: markupsafe.Markup(figures.inline(plot)) for name, plot in found.drawn},
    }


def _plot(plot: figures.Plot) -> dict[str, Any]:
    drawn = figures.inline(plot)
    found = re.search(r'width="(\d+)"', drawn)
    width = round(_SCALE * int(found[1])) if found else _WIDE
    return {
        "title": plot.title,
        "description": plot.description,
        "svg": markupsafe.Markup(drawn),
        "width": width,
        "broad": width > _COLUMN,
    }


def _facts(run: Run, label: str, begun: Collection[tuple[str, str]]) -> Mapping[str, Any]:
    environment = run.environment
    packed = gzip.compress(run.path.read_bytes(), compresslevel=3, mtime=0)
    return {
        "label": label,
        "file": run.path.name,
        "facts": dict(_environment(environment)),
        "command": reproduce.whole(environment),
        "comparisons": title.numbered(len(run.comparisons), "comparisons"),
        "own": [
            title.numbered(len(found), f"{line}s")
            for line, found in [*run.own.items(), ("cell", run.cells)]
            if found
        ],
        "incomplete": len({part.key for part in run.parts if part.key in begun}),
        "cut": run.cut,
        "left_out": run.left_out if run.damaged else "",
        "records": base64.b64encode(packed).decode(),
        "bytes": len(packed),
    }


def _environment(environment: Environment) -> Iterable[tuple[str, str]]:
    yield "measured", environment.created
    yield "device", f"{environment.device}, {places.machine(environment)}"
    yield "processor", f"{environment.processor}, {grammar.counted(environment.cores, 'core')}"
    for name, value in environment.accelerator.items():
        yield f"accelerator {name}", str(value)
    if told := slots(environment):
        yield "slots", told
    yield "system", environment.platform
    yield "Python", environment.python
    yield "torch", ", ".join(f"{k} {v}" for k, v in environment.torch.items() if v is not None)
    yield "threads", str(environment.threads)
    yield "memory", environment.memory.told if environment.memory else "not recorded"
    yield "workers", environment.workers or "started afresh"
    yield "settings", ", ".join(f"{k} = {v}" for k, v in environment.math.items())
    yield "libraries", ", ".join(f"{k} {v}" for k, v in environment.libraries.items())
    if origins := places.elsewhere(environment):
        yield "libraries from elsewhere", "; ".join(origins)
    yield "variables", " ".join(reproduce.variables(environment)) or "none set"
    yield "suite", environment.suite or "unknown"
    yield "seed", str(environment.seed)
    yield "program", f"{environment.bench_version}, code {environment.code or 'unknown'}"
