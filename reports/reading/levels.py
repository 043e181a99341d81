"""How equal the outputs behind a speedup were, in words: told beside it unless identical. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import get_args

from bench.records.types import ComparisonRecord, Timed
from bench.statistics.equality import AGREEING, OUTPUTS, Equality, Level
from reports.reading import kind
from semibackward_bench.grammar import counted, form

IDENTICAL, ROUNDING, AGREES, OTHER = "identical", "rounding", "agreeing", "other"
ORDER = ("", *get_args(Level))
"""Words of levels, by how equal the outputs are."""
_NAMED = 3
"""Layers that a sentence names."""


def word(record: Timed) -> str:
    """The level of a speedup, as "rounding"; "" of one whose outputs are identical, or were not
    compared."""
    found = record.equality
    level = None if found is None else found.level
    return "" if level is None or level == IDENTICAL else level


def beside(told: str, record: Timed) -> str:
    """A speedup in words, with its level where that is not identical."""
    return ", ".join(filter(None, (told, word(record))))


def words_of(records: Iterable[ComparisonRecord]) -> list[str]:
    """The levels of those that came to a speedup, identical ("") first, the others by how equal."""
    found = {word(record) for record in records if record.speedup is not None}
    return sorted(found, key=ORDER.index)


def outputs(level: str) -> str:
    """Outputs at a level that is not identical, as "outputs that differ by rounding"."""
    return f"outputs that {OUTPUTS[level]}"


def told(record: Timed) -> str:
    """What a sentence says of the outputs behind a speedup; "" where they were not compared."""
    level, found = word(record), record.equality
    if level:
        return f"with {outputs(level)}"
    same = found is not None and found.bitwise
    return f"with the same {kind.of(record.case).outputs}, bit for bit" if same else ""


def are(record: Timed) -> str:
    """What a paragraph says of these outputs, behind "are"."""
    if record.equality is not None and record.equality.bitwise:
        return "bit for bit the same"
    others = {AGREES: "nearly the same", OTHER: "others"}
    return others.get(word(record), "the same but for rounding")


def facet(record: Timed) -> str:
    """A level by itself, where nothing says that it is one."""
    found = word(record)
    return found if found in ("", ROUNDING) else f"{found} outputs"


def meaning(level: str) -> str | None:
    """What a level says that its word does not."""
    return {
        AGREES: f"every image keeps its success, and {100 * AGREEING:g} % of the numbers or more"
        " are the same",
        OTHER: f"more than {100 - 100 * AGREEING:g} % of the numbers differ, or an image's success"
        " does, or that can't be told",
    }.get(level)


def sentence(record: Timed) -> str | None:
    """How far outputs differ, and what proved that it is rounding; None where none is told."""
    found = record.equality
    if found is None:
        return None
    if found.level == ROUNDING and found.layers:
        return _proved(found)
    if found.level in (AGREES, OTHER) or (found.level == ROUNDING and found.differing is not None):
        inputs = kind.of(record.case).inputs
        told = "; ".join([*_numbers(found), *_kept(found, record.case.batch, inputs)])
        return f"outputs {OUTPUTS[found.level]}{f': {told}' if told else ''}"
    return None


def _proved(found: Equality) -> str:
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


def _numbers(found: Equality) -> list[str]:
    """How many numbers are the same, and how far the others are apart."""
    same = _same(found)
    apart = found.max_abs_diff
    if same is None:
        return [] if apart is None else [f"they differ by up to {apart:.2g}"]
    most = "" if apart is None else f", the others differ by up to {apart:.2g}"
    return [f"{same} of the numbers are the same{most}"]


def _kept(found: Equality, batch: int, inputs: str) -> list[str]:
    """Whether the attack succeeds with the same inputs; nothing where nobody could tell."""
    if found.success is None:
        return []
    apart = len(found.success_differs)
    if not apart:
        return [f"every {inputs} keeps its success"]
    are = form(apart, "is", "are")
    return [f"{apart} of {counted(batch, inputs)} {are} attacked with another success"]


def _same(found: Equality) -> str | None:
    """The share of numbers that are the same; never all of them where one is not."""
    if not found.elements or found.differing is None:
        return None
    share = 100 * (found.elements - found.differing) / found.elements
    return f"{min(share, 99.9) if found.differing else share:.1f} %"


def spelt(found: Equality) -> str:
    """Equality in a cell."""
    if found.bitwise:
        return IDENTICAL
    apart = "" if found.max_abs_diff is None else f"{found.max_abs_diff:.2g}"
    if found.level == ROUNDING:
        return f"rounding, up to {apart}" if apart else "rounding"
    if found.level in (AGREES, OTHER):
        same, most = _same(found), f"up to {apart}" if apart else ""
        return ", ".join(filter(None, (found.level, same and f"{same} the same", most)))
    return f"differ by {apart}" if apart else "differ"
