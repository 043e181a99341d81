"""How many attacks of each library freezing is worth something to, and what to the others. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from typing import get_args

from bench.records.types import ComparisonRecord
from reports.reading import levels, ways
from reports.reading.explanation import Explanation, Label
from reports.table import Table


def of(
    found: Sequence[tuple[ComparisonRecord, Explanation | None]],
    ran_on: Callable[[ComparisonRecord], str] = lambda record: "",
) -> Table:
    """How many attacks of each library have each label, frozen against not; on each GPU apart."""
    rows: dict[str, Counter[str]] = {}
    gains: dict[str, list[float]] = {}
    for record, told in found:
        if not (ways.usual(record) and ways.freezes(record)):
            continue
        library = levels.beside(record.case.library, record)
        library = ", ".join(filter(None, (library, ran_on(record))))
        counted = rows.setdefault(library, Counter())
        counted[told.label if told is not None else record.status] += 1
        if told is not None and told.label == "benefits" and record.speedup is not None:
            gains.setdefault(library, []).append(record.speedup.estimate)
    there = {name for counted in rows.values() for name in counted}
    rare = ("no effect", "not seen")
    usual = [name for name in get_args(Label) if name not in rare or name in there]
    columns = [*usual, *sorted(there - set(usual))]
    return Table(
        "attacks by what freezing is worth to them",
        ("library", *columns, "speedup where it benefits, median (least to most)"),
        tuple(
            (library, *(str(counted[name] or "-") for name in columns), _range(gains.get(library)))
            for library, counted in rows.items()
        ),
        (),
    )


def _range(gains: Sequence[float] | None) -> str:
    if not gains:
        return "-"
    return f"{statistics.median(gains):.2f} ({min(gains):.2f} to {max(gains):.2f})"
