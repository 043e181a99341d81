"""From records to tables like the paper's, as plain text cells. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.cases import A_A, FORWARD_ONLY, Case
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics.estimate import FEW_PROCESSES, Speedup
from reports.reading import averages, numbers
from reports.reading.published import Published, find
from reports.reading.why import why
from reports.reading.words import variant_spelt

MANY_COLUMNS = 8
AVERAGED = (
    "Means: over the cases that came to a speedup; the interval of the geometric one is of the mean"
    " of these very cases, their errors added in quadrature; papers print the arithmetic one."
)
SMALLEST = "smallest effect told apart"
PUBLISHED = "published speedup"
OVER_PUBLISHED = "ours over published"
_OPTIONAL = (
    SMALLEST,
    PUBLISHED,
    OVER_PUBLISHED,
    "- saved activations",
    "- .grad buffers",
    "largest batch",
    "limited by",
)
"""Rows that are left out where no column has anything to tell."""
USER = "user"
"""The library of attacks that users wrote themselves; they get tables of their own."""


@dataclass(frozen=True)
class Table:
    """A table ready to be drawn.

    Attributes:
        title: what all its cases have in common.
        header: the first row; its first cell is the corner.
        rows: the others.
        notes: sentences to put below.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def of(run: Run) -> list[Table]:
    """The tables of one run's attacks, as `each` draws them."""
    return list(each(run))


def each(run: Run) -> Iterator[Table]:
    """The tables of one run's attacks: a column a library, as in the paper's first table.

    Cases that differ in more than the library come in tables of their own, unless the run has one
    library only: then what varies most gets the columns.
    """
    attacks = [r for r in run.comparisons if r.case.training is None and not r.case.of_text]
    own = [r for r in attacks if r.case.library == USER]
    libraries = [r for r in attacks if r.case.library != USER]
    yield from _tables(libraries, run)
    yield from _tables(own, run)


def _tables(records: Sequence[ComparisonRecord], run: Run) -> Iterable[Table]:
    if not records:
        return
    column = column_axis([record.case for record in records])
    groups: dict[tuple[object, ...], list[ComparisonRecord]] = {}
    for record in records:
        groups.setdefault((record.variant, *in_common(record.case, column)), []).append(record)
    for group in groups.values():
        for start in range(0, len(group), MANY_COLUMNS):
            whole = group if start + MANY_COLUMNS >= len(group) else []
            yield _table(group[start : start + MANY_COLUMNS], column, run, whole)


_AXES: dict[str, Callable[[Case], object]] = {
    "library": lambda case: case.library,
    "batch": lambda case: case.batch,
    "model": lambda case: case.model,
    "attack": lambda case: case.attack,
    "rest": lambda case: (
        *(case.input_shape, case.steps, case.dtype, case.device, case.eps, case.step_size),
        *(case.random_start, case.weights, case.images),
    ),
}


def column_axis(cases: Sequence[Case]) -> str:
    """What gets the columns: the library, or else what varies most."""

    def values(name: str) -> int:
        return len({_AXES[name](case) for case in cases})

    if values("library") > 1:
        return "library"
    most = max(("attack", "model", "batch"), key=values)
    alone = values(most) == 1 and cases[0].library != USER
    return "library" if alone else most


def _table(
    records: Sequence[ComparisonRecord],
    column: str,
    run: Run,
    averaged: Sequence[ComparisonRecord],
) -> Table:
    """A column for each record, and for the average of those that are averaged, if several."""
    first = records[0]
    names = [column_name(record.case, column) for record in records]
    suite = run.environment.suite
    published = [find(record.case, record.variant, suite) for record in records]
    rows: list[tuple[str, Iterable[str]]] = [
        (f"{first.baseline} (s)", (seconds(r, r.baseline) for r in records)),
        (f"{variant_spelt(first.variant)} (s)", (seconds(r, r.variant) for r in records)),
        ("speedup", (speedup(r) for r in records)),
        (interval_name(records), (interval(r) for r in records)),
        ("verdict", (r.verdict or r.status for r in records)),
        (PUBLISHED, (f"{row.speedup:.2f}" if row else "-" for row in published)),
        (OVER_PUBLISHED, map(_over, records, published)),
        (SMALLEST, (_smallest_effect(r) for r in records)),
        ("predicted by FLOPs", (_predicted(r) for r in records)),
        ("adversarial examples", (equality(r) for r in records)),
        ("gradient call", (str((r.gradients or {}).get("call", "-")) for r in records)),
        ("parameter gradients", (gradients(r) for r in records)),
        ("peak memory (MB)", (memory(r) for r in records)),
        ("- saved activations", (_part(r, "saved") for r in records)),
        ("- .grad buffers", (_part(r, "gradients") for r in records)),
        ("largest batch", (_largest_batch(r) for r in records)),
        ("limited by", (_bound(r) for r in records)),
        ("version", (r.case.library_version or "-" for r in records)),
    ]
    drawn = [(name, tuple(cells)) for name, cells in rows]
    averages_ = _average_columns(averaged, run)
    return Table(
        f"{title(first.case, column)}: {variant_spelt(first.variant)} against original",
        (column, *names, *averages_),
        tuple(
            (name, *cells, *(found.get(name, "-") for found in averages_.values()))
            for name, cells in drawn
            if name not in _OPTIONAL or _any_told(cells)
        ),
        (
            *notes(zip(names, records, strict=True), run),
            *methods(records),
            *([AVERAGED] if averages_ else []),
            *(f"Published: {what}." for what in dict.fromkeys(r.what for r in published if r)),
        ),
    )


def _average_columns(records: Sequence[ComparisonRecord], run: Run) -> dict[str, dict[str, str]]:
    """The cells of both means, by the names of their rows; none for fewer than two speedups."""
    ours = averages.of(records)
    if ours is None or ours.count < 2:
        return {}
    suite = run.environment.suite
    found = [find(r.case, r.variant, suite) for r in records if r.speedup is not None]
    there = [row.speedup for row in found if row is not None]
    interval_row = interval_name(records)
    geometric = {
        "speedup": numbers.ratio(ours.geometric),
        interval_row: numbers.interval(ours.geometric),
    }
    arithmetic = {"speedup": _like(ours.geometric, ours.arithmetic)}
    if len(there) == ours.count:
        means = statistics.geometric_mean(there), statistics.fmean(there)
        geometric[PUBLISHED], arithmetic[PUBLISHED] = (f"{mean:.2f}" for mean in means)
        geometric[OVER_PUBLISHED] = f"{ours.geometric.estimate / means[0]:.2f}"
        arithmetic[OVER_PUBLISHED] = f"{ours.arithmetic / means[1]:.2f}"
    return {"geometric mean": geometric, "arithmetic mean": arithmetic}


def _like(found: Speedup, value: float) -> str:
    """Another mean, with the digits of one that has an interval."""
    return f"{value:.{numbers.decimals(found.half_width)}f}"


def in_common(case: Case, column: str) -> tuple[object, ...]:
    """What cases must agree in to stand in one table."""
    return tuple(axis(case) for name, axis in _AXES.items() if name != column)


def column_name(case: Case, column: str) -> str:
    """What heads a case's column; of a user's attack, the file's name and the function's."""
    return str(_AXES[column](case)).rpartition("/")[2]


def title(case: Case, column: str) -> str:
    """What cases have in common that differ in their columns only."""
    size = "×".join(str(length) for length in case.input_shape)
    parts = [
        "" if column == "library" else case.library,
        "" if column == "attack" else case.attack,
        "" if column == "model" else f"on {case.model}",
    ]
    batch = "" if column == "batch" else f"{case.batch} "
    steps = "" if case.steps is None else f", {case.steps} steps"
    weights = "" if case.weights == "random" else f", weights {case.weights}"
    images = "" if case.images == "scikit-learn" else f" from {case.images}"
    return (
        f"{' '.join(part for part in parts if part)}, {batch}images of {size}{images}{steps},"
        f" {case.dtype}{weights}, {case.device}"
    )


def notes(columns: Iterable[tuple[str, ComparisonRecord]], run: Run) -> Iterable[str]:
    """What is to say of the columns; what is to say of several is said once."""
    said: dict[str, list[str]] = {}
    for name, record in columns:
        sentence = why(record, run.environment)
        for text in ([sentence] if sentence else []) + record.warnings:
            said.setdefault(text.rstrip("."), []).append(name)
    for text, names in said.items():
        yield f"{', '.join(names)}: {text}."


def methods(records: Sequence[ComparisonRecord]) -> Iterable[str]:
    """What the intervals stand for."""
    for method, processes in dict.fromkeys(
        (r.speedup.method, r.speedup.processes) for r in records if r.speedup
    ):
        advice = ""
        if processes == 1:
            advice = f"; a fresh process may lie outside: --processes {FEW_PROCESSES}"
        elif processes < FEW_PROCESSES:
            advice = f"; wide for want of processes: --processes {FEW_PROCESSES}"
        yield f"Intervals: {method}{advice}."


def seconds(record: ComparisonRecord, variant: str) -> str:
    if not record.seconds or record.speedup is None:
        return "-"
    return numbers.seconds(record.seconds[variant])


def speedup(record: ComparisonRecord) -> str:
    return numbers.ratio(record.speedup)


def _over(record: ComparisonRecord, row: Published | None) -> str:
    if row is None or record.speedup is None:
        return "-"
    return f"{record.speedup.estimate / row.speedup:.2f}"


def interval_name(records: Sequence[ComparisonRecord]) -> str:
    confidence = next((r.speedup.confidence for r in records if r.speedup), 0.95)
    return f"{100 * confidence:g} % interval"


def interval(record: ComparisonRecord) -> str:
    return numbers.interval(record.speedup)


def _predicted(record: ComparisonRecord) -> str:
    if record.variant == FORWARD_ONLY:
        return "-"  # it leaves no operation out
    value = (record.theory or {}).get("speedup")
    return f"{value:.2f}" if isinstance(value, float) else "-"


def equality(record: ComparisonRecord) -> str:
    found = record.equality
    if found is None:
        return "-"
    if found.bitwise:
        return "identical"
    if found.equal:
        return f"equal to {found.max_abs_diff:.0e}"
    return "differ" if found.max_abs_diff is None else f"differ by {found.max_abs_diff:.2g}"


def gradients(record: ComparisonRecord) -> str:
    found = record.gradients
    return "-" if found is None else f"{found[record.baseline]} → {found[record.variant]}"


def memory(record: ComparisonRecord) -> str:
    found = record.memory
    if found is None:
        return "-"
    return " → ".join(megabytes(int(found[name])) for name in (record.baseline, record.variant))


def _part(record: ComparisonRecord, part: str) -> str:
    found = record.memory_parts
    if found is None:
        return "-"
    return " → ".join(
        megabytes(getattr(found[name], part)) for name in (record.baseline, record.variant)
    )


def _largest_batch(record: ComparisonRecord) -> str:
    found = record.max_batch
    if found is None:
        return "-"
    return " → ".join(
        f"{found.largest[name]}{'' if found.failed[name] else ' or more'}"
        for name in (record.baseline, record.variant)
    )


def _bound(record: ComparisonRecord) -> str:
    return (record.diagnosis and record.diagnosis.bound) or "-"


def _smallest_effect(record: ComparisonRecord) -> str:
    """Of an A/A comparison: beyond what it shows between equals, an effect can be told apart."""
    found = record.speedup
    if record.variant != A_A or found is None or found.low is None or found.high is None:
        return "-"
    effect = math.expm1(max(-math.log(found.low), math.log(found.high)))
    return f"{100 * effect:.1f} %" if effect < 1 else "over 100 %"


def _any_told(cells: Iterable[str]) -> bool:
    return any(cell != "-" for cell in cells)


def megabytes(count: int) -> str:
    """With as many digits as are worth reading."""
    megabytes = count / 1e6
    return f"{megabytes:.{max(0, 2 - int(math.log10(max(megabytes, 1))))}f}"
