"""How equal the outputs behind a speedup were, in words: told beside it unless identical. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bench.records.types import ComparisonRecord, Timed
from bench.statistics.equality import Equality
from semibackward_bench.grammar import counted, form

ROUNDING = "rounding"
_NAMED = 3
"""Layers that a sentence names."""


def word(record: Timed) -> str:
    """ "rounding" of a speedup whose outputs differ by that; "" of one whose outputs do not."""
    found = record.equality
    return ROUNDING if found is not None and found.level == ROUNDING else ""


def beside(told: str, record: Timed) -> str:
    """A speedup in words, with its level where that is not identical."""
    return ", ".join(filter(None, (told, word(record))))


def words_of(records: Iterable[ComparisonRecord]) -> list[str]:
    """The levels of those that came to a speedup, identical ("") first."""
    found = {word(record) for record in records if record.speedup is not None}
    return sorted(found)


def sentence(record: Timed) -> str | None:
    """What proved that outputs differ by rounding, and how far they do; None where none is told."""
    found = record.equality
    if found is None or found.level != ROUNDING or not found.layers:
        return None
    parts = [
        f"outputs differ by rounding: they are bit for bit the same with the parameters of"
        f" {_layers(found)} frozen in both variants too"
    ]
    if found.first_step_error is not None:
        signs = (
            ""
            if found.flipped_signs is None
            else f" ({counted(found.flipped_signs, 'sign flips', 'signs flip')})"
        )
        parts.append(
            f"the first gradients that differ do so by {found.first_step_error:.1e} of their norm"
            f"{signs}"
        )
    if found.differing is not None and found.elements is not None:
        most = "" if found.max_abs_diff is None else f", by up to {found.max_abs_diff:.2g}"
        parts.append(
            f"{found.differing} of {counted(found.elements, 'number')}"
            f" {form(found.differing, 'differs', 'differ')} in the end{most}"
        )
    parts += _success(found)
    return "; ".join(parts)


def _layers(found: Equality) -> str:
    paths = [path or "the model's own" for path in found.layers]
    kinds = " and ".join(
        f"{count} {name}" if count > 1 else f"the {name}"
        for name, count in Counter(found.layers.values()).items()
    )
    more = ", ..." if len(paths) > _NAMED else ""
    return f"{kinds} {form(len(paths), 'layer')} ({', '.join(paths[:_NAMED])}{more})"


def _success(found: Equality) -> list[str]:
    if found.success is None:
        return []
    counts = " and ".join(str(count) for count in found.success.values())
    apart = len(found.success_differs)
    same = "the same ones" if not apart else f"{apart} of them by one variant alone"
    return [f"images that the attack succeeds with: {counts}, {same}"]


def spelt(found: Equality) -> str:
    """Equality in a cell."""
    if found.bitwise:
        return "identical"
    apart = "" if found.max_abs_diff is None else f"{found.max_abs_diff:.2g}"
    if found.level == ROUNDING:
        return f"rounding, up to {apart}" if apart else "rounding"
    return f"differ by {apart}" if apart else "differ"
