"""What a dissected case computes and keeps for its backward pass, eager and compiled. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from bench.records.types import ComparisonRecord
from reports.reading import naming
from reports.table import Table
from semibackward_bench.grammar import counted

MOST = 6
"""Types of layers that have a column; the rest are together in one more."""
_HEAD = ("mode", "variant", "parameter gradients", "kept, MB")
_LEGEND = (
    "parameter gradients are those of one run; kept is what one call of the model keeps for its"
    " backward pass, without parameters, buffers and images, by the type of the layer: eager, the"
    " one that saves it, compiled, the one that makes it; compiled is what torch.compile's graphs"
    " compute and keep, seen in runs that are not timed"
)

Row = tuple[str, str, int | None, Mapping[str, int] | None]
"""Mode, variant, parameter gradients of a run, and bytes by the type of the layer."""


def of(records: Sequence[ComparisonRecord]) -> Iterator[Table]:
    """A table for each comparison that was looked at so; the last one has the legend."""
    name = naming.of([record.case for record in records])
    looked = [record for record in records if _looked_at(record)]
    for record in looked:
        notes = _notes(record)
        if record is looked[-1]:
            notes = (*notes, f"{_LEGEND}.")
        yield _table(f"{name(record.case)}{name.common}", list(_rows(record)), notes)


def _looked_at(record: ComparisonRecord) -> bool:
    found = record.anatomy
    if found is None:
        return False
    return bool(found.saved or found.compiled) or found.uncompiled is not None


def _rows(record: ComparisonRecord) -> Iterator[Row]:
    found = record.anatomy
    assert found is not None  # it was looked at
    names = record.baseline, record.variant
    for variant in names:
        computed = (record.gradients or {}).get(variant)
        number = computed if isinstance(computed, int) else None
        yield "eager", variant, number, (found.saved or {}).get(variant)
    for variant in names:
        compiled = (found.compiled or {}).get(variant)
        if compiled is not None:
            yield "compiled", variant, compiled.parameters, compiled.saved


def _notes(record: ComparisonRecord) -> tuple[str, ...]:
    found = record.anatomy
    assert found is not None
    if found.uncompiled is not None:
        return (f"not compiled: {found.uncompiled}.",)
    pieces = max((each.pieces for each in (found.compiled or {}).values()), default=1)
    if pieces > 1:
        told = counted(pieces, "piece")
        return (
            f"compiled it is in {told}; what runs between them is eager, and not in the table.",
        )
    return ()


def _table(case: str, rows: Sequence[Row], notes: tuple[str, ...]) -> Table:
    most: Counter[str] = Counter()
    for _, _, _, kept in rows:
        most |= Counter(dict(kept or {}))
    columns = [layer for layer, _ in most.most_common(MOST)]
    rest = ["others"] if len(most) > MOST else []
    return Table(
        f"parameter gradients and what is kept for the backward pass, {case}",
        (*_HEAD, *columns, *rest),
        tuple(_cells(row, columns, rest) for row in rows),
        notes,
    )


def _cells(row: Row, columns: Sequence[str], rest: Sequence[str]) -> tuple[str, ...]:
    mode, variant, computed, kept = row
    told = "-" if computed is None else str(computed)
    if kept is None:
        return (mode, variant, told, *["-"] * (1 + len(columns) + len(rest)))
    others = sum(size for layer, size in kept.items() if layer not in columns)
    sizes = [
        sum(kept.values()),
        *(kept.get(layer, 0) for layer in columns),
        *(others for _ in rest),
    ]
    return (mode, variant, told, *map(_megabytes, sizes))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.3g}"
