"""What changes in a matrix, and with which version, in sentences. Pure.

Rows that say the same share a sentence. "since" names the first of the versions that were counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.records.matrix import CellRecord
from reports.reading import matrix, ways
from reports.reading.matrix import ALL, ASKS_NONE, NONE, Matrix, Row, State
from semibackward_bench.grammar import counted, form

MANY = 6
"""Rows of a mode from which it is told how many compute what."""
T = TypeVar("T")


@dataclass(frozen=True)
class Stretch:
    """Neighbouring torches with which a row says the same.

    Attributes:
        text: what it says.
        first, last: those that were counted.
        before: torches between the stretch before and this one that could not be counted.
        gaps: whether some inside of it could not be counted.
    """

    text: str
    first: str
    last: str
    before: tuple[str, ...] = ()
    gaps: bool = False


Pattern = tuple[Stretch, ...]
"""What a row says from the first torch that was counted to the last."""


def told(found: Matrix) -> list[str]:
    """What a matrix comes to with the oldest and the newest torch, and then its `sentences`."""
    return [*(text for mode in found.modes for text in _ends(found, mode)), *sentences(found)]


def sentences(found: Matrix) -> list[str]:
    """What changes with which torch, then with which version of a library, what never does, and
    what freezing leaves."""
    said: list[str] = []
    for say in (_along_torch, _along_versions, _constant, _uncounted):
        for mode in found.modes:
            said += say(found, mode)
    return [*said, *_left(found)]


def pattern(found: Matrix, row: Row) -> Pattern:
    """What a row says, by stretches of torches; nothing of one that was not counted at all."""
    made: list[Stretch] = []
    skipped: list[str] = []
    for torch in found.torches:
        if torch not in row.counted:
            continue
        state = row.state(torch)
        if state is None:
            skipped.append(torch)
            continue
        if made and made[-1].text == state.text:
            last = made.pop()
            gaps = last.gaps or bool(skipped)
            made.append(Stretch(last.text, last.first, torch, last.before, gaps))
        else:
            made.append(Stretch(state.text, torch, torch, tuple(skipped) if made else ()))
        skipped = []
    return tuple(made)


def whose(found: Matrix, rows: Sequence[Row]) -> str:
    """Rows by their names, as "torchattacks 3.3.0 to 3.5.1 pgd and cw; foolbox 3.3.4 pgd"."""
    every: dict[str, list[str]] = {}
    for row in found.rows:
        if row.version not in every.setdefault(row.library, []):
            every[row.library].append(row.version)
    versions: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        there = versions.setdefault((row.library, row.name), [])
        if row.version not in there:
            there.append(row.version)
    names: dict[tuple[str, str], list[str]] = {}
    for (library, name), some in versions.items():
        names.setdefault((library, spanned(some, every[library])), []).append(name)
    return "; ".join(
        " ".join(filter(None, (library, version, _and(some))))
        for (library, version), some in names.items()
    )


def spanned(some: Sequence[str], every: Sequence[str]) -> str:
    """Versions, as "3.3.0 to 3.5.1" where none of all that there are lies between and is not one.

    Args:
        some: in the order of all.
        every: all there are, the older first.
    """
    first = every.index(some[0])
    neighbours = list(every[first : first + len(some)]) == list(some)
    return f"{some[0]} to {some[-1]}" if neighbours and len(some) > 2 else _and(some)


def _ends(found: Matrix, mode: str) -> Iterator[str]:
    """How many cells compute what, where there are more than a reader sees at once."""
    rows = found.of_mode(mode)
    counted_with = [t for t in found.torches if any(row.state(t) is not None for row in rows)]
    if len(rows) >= MANY:
        ends = dict.fromkeys((counted_with[0], counted_with[-1])) if counted_with else ()
        said = "; ".join(_tally(rows, torch) for torch in ends)
        yield f"{mode.capitalize()}: {said}." if said else f"{mode.capitalize()}: none was counted."


def _tally(rows: Sequence[Row], torch: str) -> str:
    states = [state for row in rows if (state := row.state(torch)) is not None]
    texts = Counter(state.text for state in states)
    some = len(states) - texts[ALL] - texts[NONE] - texts[ASKS_NONE]
    parts = (
        (texts[ALL], form(texts[ALL], "computes", "compute"), "every parameter gradient"),
        (some, form(some, "computes", "compute"), "some"),
        (texts[NONE], form(texts[NONE], "computes", "compute"), "none"),
        (texts[ASKS_NONE], form(texts[ASKS_NONE], "asks", "ask"), "for no gradient"),
    )
    told = ", ".join(f"{number} {verb} {what}" for number, verb, what in parts if number)
    return f"of {counted(len(states), 'cell')} with torch {torch}, {told}"


def _along_torch(found: Matrix, mode: str) -> Iterator[str]:
    for shape, rows in _by_pattern(found, mode).items():
        if len(shape) > 1:
            yield f"{whose(found, rows)}, {mode}: {_changes(found, shape, rows)}."


def _constant(found: Matrix, mode: str) -> Iterator[str]:
    for shape, rows in _by_pattern(found, mode).items():
        if len(shape) == 1:
            (only,) = shape
            said = _fully(only.text, _states(found, rows, only))
            yield f"{whose(found, rows)}, {mode}: {said} {_with(only)}."


def _uncounted(found: Matrix, mode: str) -> Iterator[str]:
    rows = _by_pattern(found, mode).get((), [])
    if rows:
        marks = sorted({found.mark(r) for row in rows for r in row.counted.values()})
        yield f"{whose(found, rows)}, {mode}: counted with no torch; see {_and(marks)}."


def _by_pattern(found: Matrix, mode: str) -> dict[Pattern, list[Row]]:
    groups: dict[Pattern, list[Row]] = {}
    for row in found.of_mode(mode):
        groups.setdefault(pattern(found, row), []).append(row)
    return groups


def _changes(found: Matrix, shape: Pattern, rows: Sequence[Row]) -> str:
    first, *others = shape
    told = []
    for before, after in zip(shape, others, strict=False):
        then = ""
        if before is first:
            short = _briefly(first.text, _states(found, rows, first))
            then = f" (torch {_span(first)}: {short})"
        said = _fully(after.text, _states(found, rows, after))
        comma = "," if said[0].isdigit() else ""
        told.append(f"since {_since(before, after)}{comma} {said}{then}")
    return "; ".join(told)


def _since(before: Stretch, after: Stretch) -> str:
    if not after.before:
        return f"torch {after.first}"
    return (
        f"a torch between {before.last} and {after.first} ({_and(after.before)} could not be"
        " counted)"
    )


def _with(only: Stretch) -> str:
    if only.first == only.last:
        return f"with torch {only.first}, the only one counted"
    which = "every torch that could be counted," if only.gaps else "every torch"
    return f"with {which} from {only.first} to {only.last}"


def _span(stretch: Stretch) -> str:
    ends = dict.fromkeys((stretch.first, stretch.last))
    return " to ".join(ends)


def _states(found: Matrix, rows: Sequence[Row], stretch: Stretch) -> list[State]:
    """What rows came to within a stretch."""
    first, last = (found.torches.index(end) for end in (stretch.first, stretch.last))
    within = found.torches[first : last + 1]
    states = (row.state(torch) for row in rows for torch in within)
    return [state for state in states if state is not None]


def _fully(text: str, states: Sequence[State]) -> str:
    """What is computed, as the end of a sentence."""
    if text == ASKS_NONE:
        return "no gradient is asked for"
    if text == NONE:
        return "no parameter gradient is computed"
    if text != ALL:
        return f"{_part(text, states)} computed"
    total = _only(state.parameters for state in states)
    if total is None:
        return f"all parameter gradients are computed {_at_calls(states)}"
    are = f"{counted(total, 'parameter gradient')} {form(total, 'is', 'are')}"
    return f"all {are} computed {_at_calls(states)}"


def _briefly(text: str, states: Sequence[State]) -> str:
    """The same in brackets."""
    if text == ASKS_NONE:
        return "it asks for none"
    if text == NONE:
        return "none"
    if text != ALL:
        return _part(text, states).rpartition(" ")[0]
    total = _only(state.parameters for state in states)
    return f"all{'' if total is None else f' {total}'} {_at_calls(states)}"


def _part(text: str, states: Sequence[State]) -> str:
    one = _only(states)
    if one is None:
        return f"a share of {text} of the parameter gradients is"
    of_all = counted(one.possible, "parameter gradient")
    return f"{one.computed} of {of_all} {form(one.computed, 'is', 'are')}"


def _at_calls(states: Sequence[State]) -> str:
    calls = _only(state.calls for state in states)
    if calls is None:
        return "at each call for gradients"
    return "at its only call" if calls == 1 else f"at each of {counted(calls, 'call')}"


def _along_versions(found: Matrix, mode: str) -> Iterator[str]:
    """What differs between a version of a library and the one counted before it."""
    groups: dict[tuple[str, ...], list[tuple[Row, Sequence[tuple[State, State]]]]] = {}
    for before, after, between in _neighbours(found, mode):
        differing: dict[tuple[str, str], dict[str, tuple[State, State]]] = {}
        for torch in found.torches:
            one, other = before.state(torch), after.state(torch)
            if one is not None and other is not None and one.text != other.text:
                differing.setdefault((one.text, other.text), {})[torch] = (one, other)
        for texts, by_torch in differing.items():
            versions = (before.version, after.version, _and(between))
            span = spanned(list(by_torch), found.torches_of(mode))
            key = (after.library, *versions, *texts, span)
            groups.setdefault(key, []).append((after, list(by_torch.values())))
    for (library, old, new, uncounted, then, now, span), some in groups.items():
        pairs = [pair for _, found_pairs in some for pair in found_pairs]
        names = _and(list(dict.fromkeys(row.name for row, _ in some)))
        since = f"{library} {new}"
        if uncounted:
            ends = f"{old} and {new} ({uncounted} could not be counted)"
            since = f"a version of {library} between {ends}"
        said = _fully(now, [after for _, after in pairs])
        was = _briefly(then, [before for before, _ in pairs])
        yield (f"{library} {names}, {mode}: since {since} {said} with torch {span} ({old}: {was}).")


def _neighbours(found: Matrix, mode: str) -> Iterator[tuple[Row, Row, list[str]]]:
    """Of each case the versions next to each other that were counted with some torch, and those
    between them that were not."""
    lines: dict[tuple[str, str], list[Row]] = {}
    for row in found.of_mode(mode):
        lines.setdefault((row.library, row.name), []).append(row)
    for line in lines.values():
        before: Row | None = None
        between: list[str] = []
        for row in line:
            if not any(row.state(torch) for torch in row.counted):
                between.append(row.version)
                continue
            if before is not None:
                yield before, row, between
            before, between = row, []


def _left(found: Matrix) -> Iterator[str]:
    """What each variant that freezes computes all the same."""
    seen = 0
    groups: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row in found.rows:
        by_text: dict[str, list[str]] = {}
        for torch in found.torches:
            record = row.counted.get(torch)
            number = None if record is None or not _freezes(record) else matrix.left(record)
            seen += number is not None
            state = row.state(torch)
            if number and state is not None:
                text = f"{number} of {counted(state.possible, 'parameter gradient')}"
                by_text.setdefault(text, []).append(torch)
        for text, torches in by_text.items():
            span = spanned(torches, found.torches_of(row.mode))
            groups.setdefault((text, span), {}).setdefault(row.mode, []).append(row)
    for (text, span), by_mode in groups.items():
        for mode, rows in by_mode.items():
            yield f"{whose(found, rows)}, {mode}: frozen, {text} are left with torch {span}."
    if seen and not groups:
        where = f"any of {counted(seen, 'cell')}" if seen > 1 else "the one cell"
        yield f"Frozen, no parameter gradient is left in {where}."
    elif seen:
        yield f"In all others of {counted(seen, 'cell')} no parameter gradient is left."


def _freezes(record: CellRecord) -> bool:
    return ways.freezes(record.answer)


def _only(values: Iterable[T]) -> T | None:
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _and(names: Sequence[str]) -> str:
    *most, last = names or [""]
    return f"{', '.join(most)} and {last}" if most else last
