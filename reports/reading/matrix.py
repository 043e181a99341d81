"""The cells of a matrix as a grid: a row a version of a library and an attack, a column a torch.

What a square says is the share of the parameter gradients that the baseline computes, of those that
its calls for gradients could. Pure.
"""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.records.matrix import CellRecord
from bench.records.types import ComparisonRecord, CountsRecord
from bench.statistics.counts import Counts
from reports.reading import models, naming, versions, ways

ALL, NONE, ASKS_NONE = "all", "none", "asks none"
"""What a square says of every parameter gradient, of none, and of an attack that asks for none."""
NOT_COUNTED = "-"
"""What stands before the letter of a square's reason."""
MARKED = "*"
"""What follows a number whose outputs were found to differ, or which did not end well otherwise."""
_UNKNOWN = "what its gradient calls compute could not be asked of this torch"
_THIS = "this torch"


@dataclass(frozen=True)
class State:
    """What one run of the baseline computes for parameters.

    Attributes:
        computed: parameter gradients, over all its calls.
        calls: for gradients.
        parameters: how many the model has.
    """

    computed: int
    calls: int
    parameters: int

    @property
    def possible(self) -> int:
        """What computing every parameter's at each call would come to."""
        return self.calls * self.parameters

    @property
    def share(self) -> float:
        """What is computed, of that; 0 where nothing is asked for."""
        return self.computed / self.possible if self.possible else 0.0

    @property
    def text(self) -> str:
        """The share in a word, or with two digits."""
        if not self.calls:
            return ASKS_NONE
        if not self.computed:
            return NONE
        if self.computed == self.possible:
            return ALL
        said = f"{self.share:.2g}"
        return said if float(said) != 1 else f"{self.share:.4g}"


@dataclass(frozen=True)
class Row:
    """One case with one version of its library.

    Attributes:
        library: its name, as of the case.
        version: of the library; "" where it is this program's own, or nobody knows.
        name: the case, without its library.
        mode: in which the baseline runs the model.
        counted: what was counted with each torch, however it ended.
        timed: the same of what was timed.
    """

    library: str
    version: str
    name: str
    mode: str
    counted: Mapping[str, CellRecord]
    timed: Mapping[str, CellRecord]

    @property
    def whose(self) -> str:
        """The library with its version."""
        return " ".join(filter(None, (self.library, self.version)))

    @property
    def label(self) -> str:
        return f"{self.whose} {self.name}"

    def state(self, torch: str) -> State | None:
        """What was found with a torch; None where it was not counted."""
        record = self.counted.get(torch)
        return None if record is None else state(record)


@dataclass(frozen=True)
class Reason:
    """Why some squares have no number, or one with a mark.

    Attributes:
        mark: what stands in them.
        status: how they ended.
        text: in words.
        question: what they have in common, whichever torch it is of.
        cells: which they are.
    """

    mark: str
    status: str
    text: str
    question: tuple[str, str]
    cells: tuple[CellRecord, ...]


@dataclass(frozen=True)
class Matrix:
    """All rows.

    Attributes:
        rows: those of one library together, the older version first.
        torches: every torch, the older first.
        common: what all cases have in common, to go behind a title.
        reasons: of squares without a number, each with its letter.
    """

    rows: tuple[Row, ...]
    torches: tuple[str, ...]
    common: str
    reasons: tuple[Reason, ...]

    @property
    def modes(self) -> list[str]:
        """The modes that something was counted or timed in, eager code before compiled."""
        found = {row.mode for row in self.rows}
        return [mode for mode in (ways.EAGER, ways.COMPILED) if mode in found]

    def of_mode(self, mode: str) -> list[Row]:
        """The rows of a mode that something was counted in."""
        return [row for row in self.rows if row.mode == mode and row.counted]

    def torches_of(self, mode: str) -> list[str]:
        """The torches that something was counted with in a mode, or tried to."""
        rows = self.of_mode(mode)
        return [torch for torch in self.torches if any(torch in row.counted for row in rows)]

    def text(self, record: CellRecord | None) -> str:
        """A counted square in a cell of a table; "" where nobody asked."""
        if record is None:
            return ""
        found = state(record)
        if found is None:
            return self.mark(record)
        return found.text if record.status == "ok" else f"{found.text}{MARKED}"

    def mark(self, record: CellRecord) -> str:
        """The same of one that has no number."""
        why = _alike(record)
        marks = (f"{NOT_COUNTED}{one.mark}" for one in self.reasons if one.question == why)
        return next(marks, NOT_COUNTED)


def of(cells: Iterable[CellRecord]) -> Matrix | None:
    """The matrix of some cells; None of no cell.

    Args:
        cells: of one file or several; of those that answer the same, one that is ok stands before
            any other, and a later one before an earlier.
    """
    kept: dict[object, CellRecord] = {}
    for cell in cells:
        before = kept.get(cell.key)
        if before is None or cell.status == "ok" or before.status != "ok":
            kept[cell.key] = cell
    if not kept:
        return None
    found = list(kept.values())
    cases = [cell.case for cell in found]
    name = naming.of(cases)
    torches = sorted(dict.fromkeys(cell.torch for cell in found), key=versions.key)
    rows = sorted(_rows(found, name), key=_in_order(found))
    return Matrix(tuple(rows), tuple(torches), name.common, tuple(_reasons(rows, torches)))


def state(record: CellRecord) -> State | None:
    """What the baseline of a counted cell computes; None where that is not known."""
    found = counts(record, record.answer.baseline)
    total = record.answer.parameters if isinstance(record.answer, CountsRecord) else None
    if found is None or found.calls is None or found.parameter_gradients is None:
        return None
    return None if total is None else State(found.parameter_gradients, _calls(found), total)


def left(record: CellRecord) -> int | None:
    """Parameter gradients that the variant computes all the same; None where that is not known."""
    found = counts(record, record.answer.variant)
    return None if found is None else found.parameter_gradients


def counts(record: CellRecord, way: str) -> Counts | None:
    """What was counted in one of a cell's two ways."""
    return record.answer.counts.get(way) if isinstance(record.answer, CountsRecord) else None


def marked(matrix: Matrix) -> list[Reason]:
    """Why some numbers have a mark."""
    found = (
        record
        for row in matrix.rows
        for record in row.counted.values()
        if record.status != "ok" and state(record) is not None
    )
    return [_reason(MARKED, cells) for cells in _grouped(found)]


def pythons(matrix: Matrix) -> dict[str, list[str]]:
    """The versions of Python that the workers had, by torch; nothing of those without a worker."""
    told: dict[str, list[str]] = {}
    for torch in matrix.torches:
        for row in matrix.rows:
            for record in (row.counted.get(torch), row.timed.get(torch)):
                version = record and record.installed.get("python")
                if version and version not in told.setdefault(torch, []):
                    told[torch].append(version)
    return told


def _calls(found: Counts) -> int:
    return sum((found.calls or {}).values())


def _rows(found: Sequence[CellRecord], name: naming.Namer) -> list[Row]:
    groups: dict[tuple[object, ...], list[CellRecord]] = {}
    for cell in found:
        groups.setdefault(_question(cell), []).append(cell)
    libraries = {cell.library for cell in found}
    known = {library: versions.of(library, found) for library in libraries}
    several = _several(list(groups.values()))
    rows: list[Row] = []
    for cells in groups.values():
        first = cells[0]
        told = name(first.case).removeprefix(f"{first.case.library} ")
        held = f", {ways.called(first.answer)}" if several else ""
        row = Row(
            first.case.library,
            known[first.library],
            f"{told}{held}",
            ways.mode(first.answer.baseline),
            {c.torch: c for c in cells if isinstance(c.answer, CountsRecord)},
            {c.torch: c for c in cells if isinstance(c.answer, ComparisonRecord)},
        )
        if any((row.label, row.mode) == (other.label, other.mode) for other in rows):
            # The same version, asked for once by its number and once by its library's name alone.
            row = replace(row, name=f"{row.name}, asked for as {first.library or 'it is'}")
        rows.append(row)
    return rows


def _question(cell: CellRecord) -> tuple[object, ...]:
    """What a row answers, whichever the torch."""
    return cell.library, models.asked(cell.case), cell.answer.baseline, cell.answer.variant


def _several(groups: Sequence[Sequence[CellRecord]]) -> bool:
    """Whether a row's name has to tell what is held against what."""
    for line in ("counts", "comparison"):
        plain = [
            (cells[0].library, models.asked(cells[0].case), ways.mode(cells[0].answer.baseline))
            for cells in groups
            if any(cell.answer.kind == line for cell in cells)
        ]
        if len(set(plain)) < len(plain):
            return True
    return False


def _in_order(found: Sequence[CellRecord]) -> Callable[[Row], tuple[int, versions.Key]]:
    libraries = list(dict.fromkeys(cell.case.library for cell in found))
    return lambda row: (libraries.index(row.library), versions.key(row.version))


def _why(record: CellRecord) -> tuple[str, str]:
    if record.status == "ok":
        return "not counted", "; ".join([_UNKNOWN, *record.answer.warnings])
    return record.status, (record.reason or "it told no reason").rstrip(".")


def _reasons(rows: Sequence[Row], torches: Sequence[str]) -> Iterator[Reason]:
    """In the order in which a reader meets them, row by row."""
    there = (
        record
        for row in rows
        for torch in torches
        for record in (row.counted.get(torch), row.timed.get(torch))
        if record is not None and _numberless(record)
    )
    for letter, cells in zip(_letters(), _grouped(there), strict=False):
        yield _reason(letter, cells)


def _numberless(record: CellRecord) -> bool:
    if isinstance(record.answer, ComparisonRecord):
        return record.answer.speedup is None
    return state(record) is None


def _reason(mark: str, cells: Sequence[CellRecord]) -> Reason:
    """That of some cells: in its own words where all have the same."""
    status, text = question = _alike(cells[0])
    own = {_why(cell) for cell in cells}
    if len(own) == 1:
        status, text = own.pop()
    return Reason(mark, status, text, question, tuple(cells))


def _alike(record: CellRecord) -> tuple[str, str]:
    """The same for every torch of which the same is said."""
    status, text = _why(record)
    named = rf"\btorch(?: |==){re.escape(record.torch)}(?!\w|\.\d)"
    return status, re.sub(named, _THIS, text)


def _grouped(records: Iterable[CellRecord]) -> list[list[CellRecord]]:
    groups: dict[tuple[str, str], list[CellRecord]] = {}
    for record in records:
        groups.setdefault(_alike(record), []).append(record)
    return list(groups.values())


def _letters() -> Iterator[str]:
    for length in itertools.count(1):
        for some in itertools.product(string.ascii_lowercase, repeat=length):
            yield "".join(some)
