"""Cases that only one file has: paired by hand with --rename, or suggested for it. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from bench import telling
from bench.cases import Case
from bench.compare import naming
from bench.errors import UsageError
from bench.words import closest

Known = Mapping[str, str]
"""The id of each case that only one file has, by every way to name it."""
T = TypeVar("T")
_NO_NAMES = ("dtype", "device", "weights", "kind")
"""Facts of a case of which another value is another case, however alike the words are."""
OPTION = "--rename"
MOST_PAIRS = 10_000
"""Beyond so many pairs of a case then and one now nothing is suggested: it would take long, and
what differs in so much is another suite."""
CLOSE = 0.6
"""How like two names are that may be one case's, by `difflib.SequenceMatcher.ratio`."""


def pairs(
    asked: Iterable[str], gone: Known, come: Known, both: Collection[str]
) -> list[tuple[str, str]]:
    """The cases that were paired by hand: the ids then and now.

    Args:
        asked: each OLD=NEW; a name may hold a "=" itself.
        gone, come: the cases of the first file and of the second that the other lacks.
        both: what cases that both have may be called.

    Raises:
        UsageError: OLD or NEW is no such case, or is paired twice.
    """
    found: list[tuple[str, str]] = []
    for text in asked:
        old, new = _meant(text, gone, come, both)
        if old in dict(found) or new in dict(map(reversed, found)):  # type: ignore[arg-type]
            raise UsageError(f"{OPTION} {text}: one of the two is paired already; give each once")
        found.append((old, new))
    return found


def suggestion(old: str, new: str) -> str | None:
    """The words that pair two cases, as a shell needs them; None for names that it can't take."""
    asked = f"{old}={new}"
    return f"{OPTION} {telling.shell([asked])}" if asked.isprintable() else None


def alike_cases(gone: Mapping[str, Case], come: Mapping[str, Case]) -> list[tuple[str, str]]:
    """Cases that differ in one thing that was asked, and may be one: their ids then and now."""
    then = {key: naming.facts(case) for key, case in gone.items()}
    now = {key: naming.facts(case) for key, case in come.items()}
    return _mutual(list(then), list(now), lambda a, b: _close_facts(then[a], now[b]))


def alike_names(gone: Sequence[str], come: Sequence[str]) -> list[tuple[str, str]]:
    """Names so like each other that they may be one test's, then and now."""
    return _mutual(gone, come, _close_names)


def _meant(text: str, gone: Known, come: Known, both: Collection[str]) -> tuple[str, str]:
    cuts = [index for index, letter in enumerate(text) if letter == "="]
    splits = [(text[:cut].strip(), text[cut + 1 :].strip()) for cut in cuts]
    if not splits:
        raise UsageError(f"{OPTION} {text}: give OLD=NEW, two names as they are printed, or ids")
    found = {(gone[old], come[new]) for old, new in splits if old in gone and new in come}
    if len(found) == 1:
        return found.pop()
    if found:
        raise UsageError(f"{OPTION} {text}: it can be read in several ways; give the cases' ids")
    old, new = max(splits, key=lambda split: (split[0] in gone, split[1] in come))
    for name, known, where in ((old, gone, "BASE"), (new, come, "NEW")):
        if name in both and name not in known:
            raise UsageError(
                f"{OPTION} {text}: {name!r} is in both files, and compared with itself"
            )
        if name not in known:
            raise UsageError(
                f"{OPTION} {text}: no case {name!r} that only {where} has{_near(name, known)}"
            )
    raise AssertionError("one of the two is unknown")


def _near(name: str, known: Known) -> str:
    if not known:
        return "; it has none"
    names = [spelling for spelling, key in known.items() if spelling != key] or list(known)
    return closest(name, names) or f"; it has {', '.join(names[:2])}, …"


def _mutual(
    gone: Sequence[T], come: Sequence[T], close: Callable[[T, T], float]
) -> list[tuple[T, T]]:
    """Those of which each is the other's closest, and none as close; 0 is not close at all."""
    if len(gone) * len(come) > MOST_PAIRS:
        return []
    by_old = {old: [close(old, new) for new in come] for old in gone}
    found = []
    for old, row in by_old.items():
        best = max(row, default=0.0)
        if best and row.count(best) == 1:
            at = row.index(best)
            column = [other[at] for other in by_old.values()]
            if max(column) == best and column.count(best) == 1:
                found.append((old, come[at]))
    return found


def _close_facts(then: Mapping[str, object], now: Mapping[str, object]) -> float:
    """How like they are where they differ in one name or path only; 0 where in anything else."""
    if then.keys() != now.keys():
        return 0.0
    differ = [name for name, value in then.items() if value != now[name]]
    if len(differ) != 1 or differ[0] in _NO_NAMES:
        return 0.0
    old, new = then[differ[0]], now[differ[0]]
    return _close_names(old, new) if isinstance(old, str) and isinstance(new, str) else 0.0


def _close_names(old: str, new: str) -> float:
    """How like they are; 0 where it is little, and neither is part of the other."""
    found = difflib.SequenceMatcher(None, old, new, autojunk=False).ratio()
    return found if found >= CLOSE or old in new or new in old else 0.0
