"""The table that a run ends with in a terminal: a row a case, what it came to, and why. Pure.

It knows how many columns there are. What all cases share is in the title; what varies has a column
or, where there is no room for it, a line above the rows that share it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench import layout, telling
from bench.cases import AS_BUILT, Case
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics.estimate import FEW_PROCESSES
from reports.reading import briefly, kind, levels, machines, models, numbers, ways
from reports.reading.words import WITHIN, shortened
from reports.table import Table
from reports.tables import cells

_LONGEST, _READABLE, _SHORTEST = 24, 16, 10
"""Columns of a name; of one that is shortened and still told by; and of one where there is little
room: what is longer than that stands on a line of its own."""
_OF_WHY = 18
"""Columns that most reasons fit."""
_ONE_PROCESS = "*"
_VAIN = "in vain"
_BEGINS = re.compile(r"\d+(?=$| )")
"""The number of "7 steps"."""

Told = Mapping[str, str]
"""What a row's case is, by the names of columns."""


@dataclass(frozen=True)
class _Row:
    """A comparison; what it is of; what it came to, by the heads of columns; and why, in ever fewer
    words."""

    record: ComparisonRecord
    told: Told
    values: Mapping[str, str]
    why: Sequence[str]


@dataclass(frozen=True)
class _Plan:
    """What has a column, what stands above rows, which values are told, and how long names are."""

    names: Sequence[str]
    above: Sequence[str]
    values: Sequence[str]
    longest: int = _LONGEST

    def whole(self, row: _Row) -> list[str]:
        """What a row's first cells stand for."""
        return [row.told.get(name, "") for name in self.names]

    def labels(self, row: _Row) -> list[str]:
        """A row's first cells; empty where it has a line of its own for them."""
        cells = [shortened(told, self.longest) for told in self.whole(row)]
        return [""] * len(cells) if self.apart(row) else cells

    def apart(self, row: _Row) -> bool:
        """Whether a name of it would be cut to what nobody reads."""
        return self.longest < _READABLE and max(map(len, self.whole(row))) > self.longest

    def widths(self, rows: Sequence[_Row]) -> list[int]:
        """Of all columns but the last."""
        ok = [row for row in rows if row.record.status == "ok"]
        labels = [self.labels(row) for row in rows]
        named = zip(self.names, zip(*labels, strict=True), strict=True)
        return [
            *(layout.column_width(name, told) for name, told in named),
            *(layout.column_width(head, [r.values[head] for r in ok]) for head in self.values),
        ]


def of(run: Run, width: int) -> Iterator[Table]:
    """The tables of a run's comparisons: one for each kind, and what the kind says beside, also of
    lines that only it has.

    Args:
        run: what was measured.
        width: columns of the terminal.
    """
    for name, told in kind.every().items():
        records = [record for record in run.comparisons if record.case.kind == name]
        if records:
            yield _table(records, width)
        yield from told.ending(run, records)


def facts(record: ComparisonRecord) -> dict[str, str]:
    """What a comparison is of, each in a word or two."""
    case = record.case
    told = {
        "library": case.library,
        "attack": models.attack(case),
        "model": models.name(case),
        "batch": str(case.batch),
        "variant": ways.called(record),
        **kind.of(case).facets(case),
        "dtype": case.dtype,
        "weights": models.weights(case),
        "device": case.device,
        "else": ", ".join(models.apart(case)),
    }
    return {name: telling.line(value) for name, value in told.items()}


def varying(rows: Sequence[Told], always: Sequence[str]) -> list[str]:
    """What tells the rows apart: what always does where it varies, and as much else as it takes."""
    names = list(dict.fromkeys([*always, *(name for told in rows for name in told)]))
    varies = [name for name in names if len({told.get(name, "") for told in rows}) > 1]
    found = [name for name in varies if name in always]
    for name in varies:
        alike = _different(rows, found)
        if name not in found and alike < _different(rows, [*found, name]):
            found.append(name)
    return found or [name for name in ("library", "attack") if rows[0].get(name)][:1] or ["model"]


def _different(rows: Sequence[Told], names: Sequence[str]) -> int:
    return len({tuple(told.get(name, "") for name in names) for told in rows})


def _rows(records: Sequence[ComparisonRecord], intervals: Sequence[str]) -> list[_Row]:
    one = len({record.variant for record in records}) == 1
    heads = ways.baseline_of(records), ways.spelt(records[0]) if one else "its time"
    return [
        _Row(
            record,
            facts(record),
            _values(record, heads, intervals),
            [telling.line(form) for form in briefly.forms(record)],
        )
        for record in records
    ]


def _values(
    record: ComparisonRecord, heads: tuple[str, str], intervals: Sequence[str]
) -> dict[str, str]:
    found = record.speedup
    interval = "-" if found is None or found.low is None else numbers.interval(found)
    if found is not None and len(intervals) > 1 and numbers.interval_name(found) == WITHIN:
        interval += _ONE_PROCESS
    plain = len(intervals) > 1 or intervals[0] == WITHIN
    return {
        heads[0]: _seconds(record, record.baseline),
        heads[1]: _seconds(record, record.variant),
        "speedup": cells.speedup(record),
        "interval" if plain else intervals[0]: interval,
    }


def _seconds(record: ComparisonRecord, variant: str) -> str:
    if not record.seconds or record.speedup is None:
        return "-"
    portions, _ = kind.of(record.case).portions(record.case)
    return f"{numbers.seconds([each / portions for each in record.seconds[variant]])} s"


def _least(rows: Sequence[_Row]) -> int:
    """Columns of the reasons in their shortest forms, as far as most fit them."""
    of_numbers = [row for row in rows if row.record.status == "ok"]
    return min(
        _OF_WHY, max((layout.width(row.why[-1]) for row in of_numbers if row.why), default=3)
    )


def _planned(rows: Sequence[_Row], always: Sequence[str], width: int) -> _Plan:
    """As much as there is room for: names that have the fewest values go above the rows that share
    them, then names are shortened, and then times are left out, which leaves names more room."""
    plan = _Plan(varying([row.told for row in rows], always), (), list(rows[0].values))
    why = _least(rows)

    def fits(plan: _Plan) -> bool:
        return layout.table_width([*plan.widths(rows), why]) <= width

    while len(plan.names) > 1 and not fits(plan):
        few = min(plan.names, key=lambda name: len({row.told.get(name, "") for row in rows}))
        names = [name for name in plan.names if name != few]
        plan = replace(plan, names=names, above=[*plan.above, few])
    for values in (plan.values, plan.values[2:]):
        for longest in range(_LONGEST, _SHORTEST - 1, -1):
            shorter = replace(plan, values=values, longest=longest)
            if fits(shorter):
                return shorter
    return shorter


def _table(records: Sequence[ComparisonRecord], width: int) -> Table:
    intervals = cells.interval_names(
        record.speedup for record in records if record.speedup and record.speedup.low is not None
    )
    always = (*kind.of(records[0].case).columns, "variant")
    rows = _rows(records, intervals)
    plan = _planned(rows, always, width)
    widths, named = plan.widths(rows), _named(rows, plan)
    drawn: list[tuple[str, ...]] = []
    for above, group in _groups(rows, plan).items():
        drawn += [("",)] if drawn else []
        drawn += [(layout.cut(above, width),)] if above else []
        for row in group:
            labels = plan.labels(row)
            if len(named[tuple(labels)]) > 1 or plan.apart(row):
                drawn.append((layout.cut(", ".join(filter(None, plan.whole(row))), width),))
                labels = [""] * len(labels)
            drawn.append(_drawn(row, labels, plan, widths, width))
    return Table(
        _title(rows),
        (*plan.names, *plan.values, "why"),
        tuple(drawn),
        tuple(_notes(records, intervals, drawn)),
    )


def _groups(rows: Sequence[_Row], plan: _Plan) -> dict[str, list[_Row]]:
    """The rows by what stands above them; in the order of their numbers, or else in which they
    came."""
    above = [name for name in rows[0].told if name in plan.above]
    order = _ordered(rows, [*above, *plan.names])
    found: dict[str, list[_Row]] = {}
    for row in order:
        told = ", ".join(row.told[name] for name in above if row.told.get(name))
        found.setdefault(told, []).append(row)
    return found


def _ordered(rows: Sequence[_Row], names: Sequence[str]) -> list[_Row]:
    places: dict[str, dict[str, float]] = {}
    for name in names:
        values = list(dict.fromkeys(row.told.get(name, "") for row in rows))
        numbers_ = {value: float(found[0]) for value in values if (found := _BEGINS.match(value))}
        all_ = all(value in numbers_ for value in values if value)
        places[name] = {
            value: numbers_.get(value, -1.0) if all_ else at for at, value in enumerate(values)
        }
    return sorted(rows, key=lambda row: [places[name][row.told.get(name, "")] for name in names])


def _named(rows: Sequence[_Row], plan: _Plan) -> dict[tuple[str, ...], set[tuple[str, ...]]]:
    """The whole names that each row's first cells stand for; several where they were shortened to
    the same, and then each has a line above its row."""
    found: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for row in rows:
        found.setdefault(tuple(plan.labels(row)), set()).add(tuple(plan.whole(row)))
    return found


def _drawn(
    row: _Row, labels: Sequence[str], plan: _Plan, widths: Sequence[int], width: int
) -> tuple[str, ...]:
    """A row; one that came to no number has its reason in their place."""
    told = list(row.why) or ["-"]
    if row.record.status != "ok":
        room = width - layout.table_width([*widths[: len(labels)], 0])
        return (*labels, layout.cut(told[0], room))
    room = max(1, width - layout.table_width([*widths, 0]))
    fitting = (form for form in told if layout.width(form) <= room)
    why = next(fitting, layout.cut(told[-1], room))
    return (*labels, *(row.values[head] for head in plan.values), why)


def _notes(
    records: Sequence[ComparisonRecord], intervals: Sequence[str], drawn: Iterable[Sequence[str]]
) -> Iterator[str]:
    called = {kind.of(record.case).portions(record.case)[1] for record in records}
    yield from (f"times are of {portion}" for portion in sorted(called) if portion)
    if any(row[-1].endswith(_VAIN) for row in drawn):
        yield f"{_VAIN}: {kind.of(records[0].case).vain}"
    for level in levels.words_of(records):
        if (meaning := levels.meaning(level)) is not None:
            yield f"{level}: {meaning}"
    if WITHIN in intervals:
        which = f"{_ONE_PROCESS} interval" if len(intervals) > 1 else "intervals"
        yield f"{which} {WITHIN}; a fresh one may lie outside: --processes {FEW_PROCESSES}"
    yield from machines.briefly(records)


def _title(rows: Sequence[_Row]) -> str:
    """What all rows have in common, in the order in which one says it."""
    cases = [row.record.case for row in rows]
    told = kind.of(cases[0])

    def common(say: Callable[[Case], str]) -> str:
        found = {say(case) for case in cases}
        return found.pop() if len(found) == 1 else ""

    def fact(name: str) -> str:
        found = {row.told.get(name, "") for row in rows}
        return found.pop() if len(found) == 1 else ""

    model, first = fact("model"), rows[0].record
    model = "" if model == AS_BUILT else model
    named = [name for name in (fact("library"), fact("attack")) if name not in ("", kind.USER)]
    what = [*named, f"on {model}" if model and named else model]
    shape = common(told.shape)
    size = common(told.size) or (f"{told.inputs}s of {shape}" if shape[:1].isdigit() else "")
    rest = [fact(name) for name in (*told.headline, "dtype", "weights", "device", "else")]
    title = ", ".join(filter(None, [" ".join(filter(None, what)), size, *rest]))
    against = f"{ways.spelt(first)} against {first.baseline}" if fact("variant") else ""
    return telling.line(": ".join(filter(None, (title, against))))
