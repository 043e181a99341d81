"""A matrix as tables: what is computed with each torch, and what freezing gains. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.reading import changes, matrix, numbers, promises, ways
from reports.reading.matrix import ALL, ASKS_NONE, NONE, Matrix, Reason, Row
from reports.table import Table
from semibackward_bench.grammar import counted

CORNER = "library, attack"
SHARE = (
    f"Of the parameter gradients that the calls for gradients of one run could compute: {ALL} of"
    f" them, {NONE}, or a share; {ASKS_NONE}: the attack asks for no gradient"
)
COMPILED = (
    f"{ways.COMPILED}: Dynamo captured the model and AOTAutograd made the graphs of its forward and"
    " backward pass, as for any compiled code; which gradients are computed is decided there, how"
    " fast is not"
)
RATIO = (
    "each ratio is of the baseline over the variant inside one environment; two columns are two"
    " environments, and no ratio between them is told"
)


def of(run: Run, *, brief: bool = False) -> list[Table]:
    """The tables of a run's cells: one for each mode, and one of ratios for each mode timed.

    Args:
        run: what was counted and timed.
        brief: versions that say the same have one row, and torches one column, as a terminal or a
            page of paper has room.
    """
    found = matrix.of(run.cells)
    return [] if found is None else drawn(found, brief=brief)


def drawn(found: Matrix, *, brief: bool = False, told: bool = True) -> list[Table]:
    """The tables of a matrix; below the last, how to read them and why squares are empty.

    Args:
        found: the matrix.
        brief: as of `of`.
        told: whether what changes stands below the first.
    """
    first, *others = [*_counted(found, brief=brief), *_timed(found)]
    if told:
        first = replace(first, notes=tuple(changes.told(found)))
    *before, last = [first, *others]
    notes = (f"{note}." for note in [*legend(found), *reasons(found)])
    return [*before, replace(last, notes=(*last.notes, *notes))]


def legend(found: Matrix) -> Iterator[str]:
    """How to read them, without full stops."""
    if any(row.counted for row in found.rows):
        yield SHARE
    if ways.COMPILED in found.modes:
        yield COMPILED
    if any(row.timed for row in found.rows):
        yield RATIO
    if told := matrix.pythons(found):
        by_python: dict[str, list[str]] = {}
        for torch, versions in told.items():
            by_python.setdefault(" and ".join(versions), []).append(torch)
        said = "; ".join(
            f"{python} with torch {changes.spanned(torches, found.torches)}"
            for python, torches in by_python.items()
        )
        yield f"Python {said}"


def reasons(found: Matrix) -> Iterator[str]:
    """Why squares have no number, or one with a mark; each reason with how many it is of."""
    for one in found.reasons:
        yield f"{matrix.NOT_COUNTED}{one.mark}: {_reason(found, one)}"
    for one in matrix.marked(found):
        yield f"{matrix.MARKED}: {_reason(found, one)}"


def _reason(found: Matrix, one: Reason) -> str:
    there = {cell.torch for cell in one.cells}
    torches = [torch for torch in found.torches if torch in there]
    number = counted(len(one.cells), "cell")
    span = changes.spanned(torches, found.torches)
    return f"{one.status}: {one.text} ({number}, torch {span})"


def _counted(found: Matrix, *, brief: bool) -> Iterator[Table]:
    for mode in found.modes:
        rows, torches = found.of_mode(mode), found.torches_of(mode)
        if not rows:
            continue
        header, cells = torches, [_texts(found, row, torches) for row in rows]
        labels = [row.label for row in rows]
        if brief:
            labels, cells = _by_versions(found, rows, cells)
            header, cells = _by_torches(torches, cells)
        yield Table(
            f"Parameter gradients computed{found.common}: {mode}, by version of torch",
            (CORNER, *header),
            tuple((label, *texts) for label, texts in zip(labels, cells, strict=True)),
            (),
        )


def _by_versions(
    found: Matrix, rows: Sequence[Row], cells: Sequence[list[str]]
) -> tuple[list[str], list[list[str]]]:
    """One row for all versions of a library with which an attack's row says the same."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row, texts in zip(rows, cells, strict=True):
        groups.setdefault((row.library, row.name, *texts), []).append(row)
    labels = [changes.whose(found, some) for some in groups.values()]
    return labels, [list(key[2:]) for key in groups]


def _by_torches(
    torches: Sequence[str], cells: Sequence[list[str]]
) -> tuple[list[str], list[list[str]]]:
    """One column for neighbouring torches with which every row says the same."""
    columns = list(zip(*cells, strict=True))
    runs = [
        [at for at, _ in group]
        for _, group in itertools.groupby(enumerate(columns), key=lambda pair: pair[1])
    ]
    header = [" to ".join(dict.fromkeys((torches[at[0]], torches[at[-1]]))) for at in runs]
    return header, [[texts[at[0]] for at in runs] for texts in cells]


def _texts(found: Matrix, row: Row, torches: Sequence[str]) -> list[str]:
    return [found.text(row.counted.get(torch)) for torch in torches]


def _timed(found: Matrix) -> Iterator[Table]:
    for mode in found.modes:
        rows = [row for row in found.rows if row.mode == mode and row.timed]
        torches = [torch for torch in found.torches if any(torch in row.timed for row in rows)]
        if rows:
            yield Table(
                f"{_ways(rows)}{found.common}, by version of torch",
                (CORNER, *torches),
                tuple((row.label, *_ratios(found, row, torches)) for row in rows),
                (),
            )


def _ratios(found: Matrix, row: Row, torches: Sequence[str]) -> Iterator[str]:
    for torch in torches:
        record = row.timed.get(torch)
        if record is None:
            yield ""
        elif isinstance(record.answer, ComparisonRecord) and record.answer.speedup is not None:
            told = numbers.with_interval(record.answer.speedup, named=True)
            yield f"{promises.verdict(record.answer)} {told}"
        else:
            yield found.mark(record)


def _ways(rows: Sequence[Row]) -> str:
    """What was timed against what."""
    answers = [record.answer for row in rows for record in row.timed.values()]
    baseline, variant = ways.baseline_of(answers), ways.variant_of(answers)
    return f"Time of {ways.the(baseline)} over that of {variant}"
