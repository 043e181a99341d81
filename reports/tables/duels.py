"""Two versions of a library against each other: a table, and a verdict on each case. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bench.records.duel import DuelRecord
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics.estimate import EQUIVALENCE, Speedup
from reports.reading import energy, kind, promises
from reports.reading.machines import Machines
from reports.reading.words import WITHIN, spelt
from reports.table import Table
from reports.tables import cells, columns
from semibackward_bench.grammar import counted


def of(run: Run) -> list[Table]:
    """The tables of a run's duels: a column a case; what differs in more than one thing apart."""
    if not run.duels:
        return []
    column = columns.column_axis([duel.case for duel in run.duels])
    groups: dict[tuple[object, ...], list[DuelRecord]] = {}
    for duel in run.duels:
        groups.setdefault(columns.in_common(duel.case, column), []).append(duel)
    most = columns.MANY_COLUMNS
    return [
        _table(group[start : start + most], column, run)
        for group in groups.values()
        for start in range(0, len(group), most)
    ]


def sentence(duel: DuelRecord) -> str:
    """The verdict on one case, with what both do."""
    if duel.speedup is None:
        return f"{duel.status}: {duel.reason}"
    return " ".join([_verdict(duel, duel.speedup), *_outputs(duel), *_gradients(duel)])


def _table(duels: Sequence[DuelRecord], column: str, run: Run) -> Table:
    records = [_as_comparison(duel) for duel in duels]
    names = [columns.column_name(record.case, column) for record in records]
    named = list(zip(names, records, strict=True))
    rows: list[tuple[str, Iterable[str]]] = [
        ("a (s)", (cells.seconds(r, "a") for r in records)),
        ("b (s)", (cells.seconds(r, "b") for r in records)),
        ("a over b", (cells.speedup(r) for r in records)),
        *cells.interval_rows(records, cells.interval_names(r.speedup for r in records)),
        ("verdict on b", map(promises.verdict, records)),
        (_made(duels[0]), (cells.equality(r) for r in records)),
        ("gradient call", (_calls(duel) for duel in duels)),
        ("parameter gradients", (cells.gradients(r) for r in records)),
        ("peak memory (MB)", (cells.peak(r) for r in records)),
        *_energy(records),
        *_where(records, run),
    ]
    sides = " against ".join(_side(duels[0], name) for name in ("a", "b"))
    prefixes = [f"{name}: " if len(duels) > 1 else "" for name in names]
    said = [p + sentence(duel) for p, duel in zip(prefixes, duels, strict=True)]
    warned = dict.fromkeys(text.rstrip(".") for duel in duels for text in duel.warnings)
    return Table(
        f"{columns.titled([record.case for record in records], column)}: {sides}",
        (column, *names),
        tuple((name, *row) for name, row in rows),
        (
            *said,
            *(f"{text}." for text in warned),
            *cells.methods(named),
            *cells.circumstances(named, run),
            *energy.notes(duels),
        ),
    )


def _energy(records: Sequence[ComparisonRecord]) -> Iterator[tuple[str, Iterable[str]]]:
    """Rows of energy, where a GPU told it."""
    if any(record.energy is not None for record in records):
        yield energy.RUN, map(energy.runs_cell, records)
        yield "energy, a over b", map(energy.ratio_cell, records)


def _where(records: Sequence[ComparisonRecord], run: Run) -> Iterator[tuple[str, Iterable[str]]]:
    """Rows of machines, where there are several."""
    for name, row in Machines(run.environment).rows(records):
        if any(cell != "-" for cell in row):
            yield name, row


def _as_comparison(duel: DuelRecord) -> ComparisonRecord:
    """As tables read it, with a as the baseline and b as the variant."""
    return ComparisonRecord(baseline="a", variant="b", **duel.timed)


def _side(duel: DuelRecord, name: str) -> str:
    side = duel.sides[name]
    version = f"{side.distribution} {side.version}"
    told = "" if side.asked == f"{side.distribution}=={side.version}" else f", {side.asked}"
    return f"{version} ({name}{told})"


def _verdict(duel: DuelRecord, found: Speedup) -> str:
    if found.low is None or found.high is None:
        return "There are too few blocks for a verdict; raise --max-seconds."
    only_here = promises.only_here(duel)
    within = f" {WITHIN}" if found.processes == 1 and not only_here else ""
    faster = f"{_ratio(found.estimate, found.low, found.high, within)} times as fast as a"
    longer = _ratio(1 / found.estimate, 1 / found.high, 1 / found.low, within)
    if duel.verdict == "faster":
        said = f"b is {faster}"
    elif duel.verdict == "slower":
        said = f"b takes {longer} times as long as a"
    elif duel.verdict == "same":
        said = f"a and b are equally fast within {100 * EQUIVALENCE:g} %: b is {faster}"
    else:
        return f"Open: b is {faster}; more --max-seconds or --processes narrow that."
    if not only_here:
        return f"{said}."
    return f"{promises.ONLY_HERE.capitalize()} {said}; others may differ, so take --processes 5."


def _ratio(estimate: float, low: float, high: float, within: str) -> str:
    digits = 3 if high - low < 0.02 else 2
    return f"{estimate:.{digits}f} ({low:.{digits}f} to {high:.{digits}f}{within})"


def _made(duel: DuelRecord) -> str:
    """What a run makes, in words."""
    return kind.of(duel.case).outputs


def _outputs(duel: DuelRecord) -> Iterable[str]:
    found = duel.equality
    if found is None:
        return
    if found.bitwise:
        yield f"Both make the same {_made(duel)}, bit for bit."
    elif found.max_abs_diff is None:
        yield f"Their {_made(duel)} can't be compared: of different dtypes, or not finite."
    else:
        yield f"Their {_made(duel)} differ by up to {found.max_abs_diff:.2g}."


def _gradients(duel: DuelRecord) -> Iterable[str]:
    found = duel.gradients
    if found is None:
        return
    if found["a"] == found["b"]:
        yield f"Both compute {counted(found['a'], 'parameter gradient')} a run."
        return
    yield (
        f"a computes {counted(found['a'], 'parameter gradient')} a run"
        f" ({spelt(str(found['call a']))}), b {found['b']} ({spelt(str(found['call b']))})."
    )


def _calls(duel: DuelRecord) -> str:
    found = duel.gradients
    if found is None:
        return "-"
    a, b = str(found["call a"]), str(found["call b"])
    return a if a == b else f"{a} → {b}"
