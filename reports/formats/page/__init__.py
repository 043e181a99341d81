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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import markupsafe

from bench import program, telling
from bench.records.reading import Run
from bench.records.types import ComparisonRecord, Environment
from reports import figures
from reports.reading import (
    energy,
    kind,
    levels,
    memory,
    models,
    naming,
    numbers,
    places,
    predicted,
    promises,
    published,
    reproduce,
    summary,
)
from reports.reading.places import Place
from reports.reading.why import why
from reports.tables import cells, contents
from reports.tables.contents import NOTHING

MOST_TABLES = 40
"""Tables that a page bears; `--format md` has them all."""
_FILTERS = ("library", "attack", "model", "device", "variant", "verdict", "run")


_SCALE = 1.35
"""A plot is made for a printed column, and read from farther away on a screen."""
_WIDE = 900


@dataclass(frozen=True)
class Cell:
    """A cell of the large table.

    Attributes:
        text: what it shows.
        key: what it is sorted by, if not its text.
    """

    text: str
    key: float | None = None


@dataclass(frozen=True)
class Row:
    """A comparison in the large table.

    Attributes:
        cells: by the names of the columns.
        ok: whether it came to a number.
        why: in words, what there is to say of it.
        command: what repeats it.
    """

    cells: dict[str, Cell]
    ok: bool
    why: tuple[str, ...]
    command: str


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
    intervals = cells.interval_names(record.speedup for record in records)
    rows = [
        _row(record, environment, place, mixed=len(intervals) > 1)
        for place in found
        for record, environment in place.comparisons
    ]
    shown = _columns(rows)
    tables = list(itertools.islice(contents.of(runs, asked), MOST_TABLES + 1))
    script = _read("page.js")
    return _template().render(
        title=_title(found),
        summary=[_with_code(sentence) for sentence in summary.of(runs)],
        rows=rows,
        interval=cells.interval_words(intervals),
        only_here=promises.ONLY_HERE if any(map(promises.only_here, records)) else "",
        columns=shown,
        filters={name: _choices(rows, name) for name in _FILTERS if name in shown},
        plots=[_plot(plot) for plot in figures.plots(runs)],
        report=program.command("report"),
        tables=tables[:MOST_TABLES],
        more_tables=len(tables) > MOST_TABLES,
        runs=[_facts(run, place.label) for place in found for run in place.runs],
        style=markupsafe.Markup(_style()),
        script=markupsafe.Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


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


def _with_code(sentence: str) -> list[tuple[str, bool]]:
    """A sentence's parts, and whether each stood between backquotes."""
    return [(part, number % 2 == 1) for number, part in enumerate(sentence.split("`"))]


def _style() -> str:
    """The page's own style and the plots' colours: dark where the reader wants it, but on paper."""
    light, dark = (
        "; ".join(f"{name}: {value}" for name, value in figures.variables(theme).items())
        for theme in (figures.LIGHT, figures.DARK)
    )
    wanted = "@media screen and (prefers-color-scheme: dark)"
    return f":root {{ {light} }}\n{wanted} {{ :root {{ {dark} }} }}\n{_read('page.css')}"


def _title(found: Sequence[Place]) -> str:
    libraries = dict.fromkeys(
        record.case.library for place in found for record, _ in place.comparisons
    )
    names = ", ".join(libraries) if len(libraries) <= 7 else f"{len(libraries)} libraries"
    return f"Semi-backward Bench: {names}" if names else "Semi-backward Bench"


def _row(record: ComparisonRecord, environment: Environment, place: Place, *, mixed: bool) -> Row:
    case, speedup = record.case, record.speedup
    found = published.find(case, record.variant, environment.suite)
    gradients = record.gradients or {}
    peak = record.memory or {}
    arithmetic = (record.theory or {}).get("speedup")
    told = why(record, environment)
    return Row(
        cells={
            "library": Cell(case.library),
            "attack": Cell(", ".join([kind.of(case).workload(case), *models.apart(case)])),
            "model": Cell(models.name(case)),
            "variant": Cell(record.variant),
            "verdict": Cell(promises.verdict(record)),
            "speedup": Cell(
                levels.beside(numbers.with_interval(speedup, named=mixed), record),
                None if speedup is None else speedup.estimate,
            ),
            memory.AS_GIVEN: Cell(
                memory.spread(record.as_given),
                max(record.as_given.speedups) if record.as_given else None,
            ),
            "seconds": _pair(record, cells.seconds, lambda name: record.seconds[name][0]),
            predicted.BY_FLOPS: _number(arithmetic if isinstance(arithmetic, float) else None),
            predicted.BY_BYTES: _number(predicted.by_bytes(record)),
            "published": _number(None if found is None else found.speedup),
            "ours over it": _number(
                speedup.estimate / found.speedup if speedup and found else None
            ),
            "parameter gradients": Cell(
                cells.gradients(record), _float(gradients.get(record.baseline))
            ),
            "peak memory (MB)": Cell(cells.peak(record), _float(peak.get(record.baseline))),
            energy.RUN: Cell(energy.runs_cell(record), energy.per_run(record, record.baseline)),
            energy.RATIO: _number(energy.ratio(record)),
            "batch": Cell(str(case.batch), case.batch),
            "input": Cell(kind.of(case).shape(case)),
            "device": Cell(_device(record, environment)),
            "run": Cell(place.label),
        },
        ok=record.status == "ok",
        why=tuple(filter(None, (told, levels.sentence(record), *record.warnings))),
        command=reproduce.line(record, environment),
    )


def _device(record: ComparisonRecord, environment: Environment) -> str:
    name = environment.accelerator.get("name") or environment.processor
    return f"{record.case.device}, {name}"


def _pair(record: ComparisonRecord, text: Any, key: Any) -> Cell:
    if not record.seconds or record.speedup is None:
        return Cell("-")
    told = " → ".join(text(record, name) for name in (record.baseline, record.variant))
    return Cell(told, key(record.baseline))


def _number(value: float | None) -> Cell:
    return Cell("-") if value is None else Cell(f"{value:.2f}", value)


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _columns(rows: Sequence[Row]) -> list[str]:
    """Those of which some row has something to tell; `run` only where there are several."""
    names = list(rows[0].cells) if rows else []
    told = {name: {row.cells[name].text for row in rows} for name in names}
    return [
        name for name in names if told[name] != {"-"} and (name != "run" or len(told[name]) > 1)
    ]


def _choices(rows: Sequence[Row], name: str) -> list[str]:
    return sorted({row.cells[name].text for row in rows})


def _plot(plot: figures.Plot) -> dict[str, Any]:
    drawn = figures.inline(plot)
    width = re.search(r'width="(\d+)"', drawn)
    return {
        "title": plot.title,
        "description": plot.description,
        "svg": markupsafe.Markup(drawn),
        "width": round(_SCALE * int(width[1])) if width else _WIDE,
    }


def _facts(run: Run, label: str) -> Mapping[str, Any]:
    environment = run.environment
    packed = gzip.compress(run.path.read_bytes(), compresslevel=3, mtime=0)
    return {
        "label": label,
        "file": run.path.name,
        "facts": dict(_environment(environment)),
        "command": reproduce.whole(environment),
        "comparisons": len(run.comparisons),
        "own": [(line, len(found)) for line, found in run.own.items() if found],
        "incomplete": len({part.key for part in run.parts}),
        "cut": run.cut,
        "left_out": run.left_out if run.damaged else "",
        "records": base64.b64encode(packed).decode(),
        "bytes": len(packed),
    }


def _environment(environment: Environment) -> Iterable[tuple[str, str]]:
    yield "measured", environment.created
    yield "device", f"{environment.device}, {places.machine(environment)}"
    yield "processor", f"{environment.processor}, {environment.cores} cores"
    for name, value in environment.accelerator.items():
        yield f"accelerator {name}", str(value)
    yield "system", environment.platform
    yield "Python", environment.python
    yield "torch", ", ".join(f"{k} {v}" for k, v in environment.torch.items() if v is not None)
    yield "threads", str(environment.threads)
    yield "memory", environment.memory.told if environment.memory else "not recorded"
    yield "workers", environment.workers or "started afresh"
    yield "settings", ", ".join(f"{k} = {v}" for k, v in environment.math.items())
    yield "libraries", ", ".join(f"{k} {v}" for k, v in environment.libraries.items())
    if told := places.elsewhere(environment):
        yield "libraries from elsewhere", "; ".join(told)
    yield "variables", " ".join(reproduce.variables(environment)) or "none set"
    yield "suite", environment.suite or "unknown"
    yield "seed", str(environment.seed)
    yield "program", f"{environment.bench_version}, code {environment.code or 'unknown'}"
