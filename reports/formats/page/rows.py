"""The large table of a page: its rows, and which columns there is room for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.records.types import ComparisonRecord, Environment
from reports.reading import (
    energy,
    kind,
    levels,
    memory,
    models,
    numbers,
    predicted,
    preparation,
    promises,
    published,
    reproduce,
    ways,
)
from reports.reading.machines import GPU, HOST, Machines, host
from reports.reading.places import Place
from reports.reading.why import why
from reports.tables import cells

ROOM = 122
"""Widths of a digit that the columns have on a screen of 1280 pixels, beside the last one."""
_PADDING = 2
"""Widths of a digit that a cell's edges take."""
_NARROW, _BROAD = frozenset(" .,:;()|'!-ilIjftr"), frozenset("mwMW@%→…")
"""Characters about half as wide as a digit, and half as wide again."""
_BOLD = 1.1
"""How much broader headers and verdicts are."""
_TELLING = ("library", "attack", "speedup", "verdict", "model", "batch", "variant", "run")
"""The columns that tell rows apart; what they leave of a line is for their own long texts."""
_FIRST = (
    *_TELLING,
    "parameter gradients",
    preparation.PREPARED,
    "seconds",
    "input",
    "device",
    "peak memory (MB)",
)
"""The columns that get room, in this order; the others follow."""
_SEVERAL = ("run", HOST, GPU)
"""Columns that are shown only if rows differ in them."""
_ALWAYS = ("speedup", "verdict")
"""Columns that are shown even if all rows say the same."""
_LONGEST = {"library": 13, "attack": 18, "model": 15, "run": 12, "verdict": 24}
"""Widths of a digit that texts have at the most; a longer one is cut, and whole in its panel."""
_LONG, _LONGEST_OF_ALL = 20, 36


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


@dataclass(frozen=True)
class Column:
    """A column of the large table.

    Attributes:
        name: its header.
        width: widths of a digit that it needs in a line.
        main: whether there is room for it; the others are shown on demand.
        common: what all of several rows say in it; None where they differ.
    """

    name: str
    width: float
    main: bool
    common: str | None


def row(
    record: ComparisonRecord,
    environment: Environment,
    machines: Machines,
    place: Place,
    *,
    mixed: bool,
) -> Row:
    case, speedup = record.case, record.speedup
    found = published.of(record, environment.suite)
    gradients = record.gradients or {}
    peak = record.memory or {}
    arithmetic = (record.theory or {}).get("speedup")
    told = why(record, environment)
    return Row(
        cells={
            "library": Cell(case.library),
            "attack": Cell(", ".join([kind.of(case).workload(case), *models.apart(case)])),
            "model": Cell(models.name(case)),
            "variant": Cell(ways.recorded(record)),
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
            preparation.PREPARED: _prepared(record),
            "batch": Cell(str(case.batch), case.batch),
            "input": Cell(kind.of(case).shape(case)),
            "device": Cell(f"{case.device}, {machines.model(record)}"),
            HOST: Cell(host(record) or "-"),
            GPU: Cell(machines.gpu(record) or "-"),
            "run": Cell(place.label),
        },
        ok=record.status == "ok",
        why=tuple(filter(None, (told, *_more(record), *machines.sentences(record)))),
        command=reproduce.line(record, environment),
    )


def _more(record: ComparisonRecord) -> tuple[str | None, ...]:
    """What there is to say beside the reason."""
    return levels.sentence(record), *preparation.sentences(record), *record.warnings


def _prepared(record: ComparisonRecord) -> Cell:
    found = preparation.of(record)
    return Cell(preparation.cell(record), None if found is None else found.seconds)


def _pair(record: ComparisonRecord, text: Any, key: Any) -> Cell:
    if not record.seconds or record.speedup is None:
        return Cell("-")
    told = " → ".join(text(record, name) for name in (record.baseline, record.variant))
    return Cell(told, key(record.baseline))


def _number(value: float | None) -> Cell:
    return Cell("-") if value is None else Cell(f"{value:.2f}", value)


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def columns(rows: Sequence[Row]) -> list[Column]:
    """Those of which some row has something to tell; run, machine and GPU only where several are.

    In a line of each row stand as many as there is room for, those first that tell rows apart.
    """
    names = list(rows[0].cells) if rows else []
    told = {name: list(dict.fromkeys(row.cells[name].text for row in rows)) for name in names}
    shown = [
        name
        for name in names
        if told[name] != ["-"] and (name not in _SEVERAL or len(told[name]) > 1)
    ]
    common = {name: told[name][0] for name in shown if len(told[name]) == 1 and len(rows) > 1}
    found = {name: [row.cells[name] for row in rows] for name in shown}
    widths = {name: _width(name, found[name]) for name in shown}
    main: set[str] = set()

    def room() -> float:
        return ROOM - sum(widths[name] for name in main)

    def add(names: Iterable[str]) -> None:
        for name in names:
            if widths[name] <= room() and (name not in common or name in _ALWAYS):
                main.add(name)

    add(name for name in _TELLING if name in shown)
    for name in (name for name in _TELLING if name in main):
        wanted = _width(name, found[name], _LONGEST_OF_ALL)
        widths[name] = max(widths[name], min(wanted, widths[name] + room()))
    add(sorted((name for name in shown if name not in _TELLING), key=_rank))
    return [Column(name, round(widths[name], 1), name in main, common.get(name)) for name in shown]


def _rank(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _width(name: str, found: Sequence[Cell], most: int | None = None) -> float:
    """What the longest text needs, up to so much; a number is never cut."""
    longest = max(_wide(text) for text in {cell.text for cell in found})
    if all(cell.key is None for cell in found):
        longest = min(longest, most or _LONGEST.get(name, _LONG))
    text = longest * (_BOLD if name == "verdict" else 1.0)
    header = _BOLD * _wide(name) + 1.5  # the mark of sorting
    return round(max(text, header) + _PADDING, 1)


def _wide(text: str) -> float:
    return sum(0.55 if c in _NARROW else 1.5 if c in _BROAD else 1.0 for c in text)
