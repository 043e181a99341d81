"""Which case of one file is which of the other. Pure.

A case is known by its id, a digest of everything that was asked. A user's own attack or model may
lie in another folder then and now, as two checkouts side by side do, and is the same all the same
where that leaves no doubt: the last parts of its path, as few as tell it from the others of its
file's name, must agree. What is left can be paired by hand, with --rename.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from adapters.custom import LIBRARY as USER
from bench import specs
from bench.cases import Case, question
from bench.compare import naming, renaming
from bench.compare.renaming import Known
from bench.records.types import ComparisonRecord, CountsRecord

R = TypeVar("R", ComparisonRecord, CountsRecord)


@dataclass(frozen=True)
class Matched(Generic[R]):
    """Two files' records side by side.

    Attributes:
        pairs: of the cases that both have, in the order of the second.
        names: of the pairs' cases; no two cases share one.
        gone, come: the others, of the first file and of the second, each with its case's name.
        renamed: the names then and now of what was paired by hand.
        suggested: names then and now of cases that may be one.
    """

    pairs: tuple[tuple[R, R], ...]
    names: tuple[str, ...]
    gone: tuple[tuple[str, R], ...]
    come: tuple[tuple[str, R], ...]
    renamed: tuple[tuple[str, str], ...] = ()
    suggested: tuple[tuple[str, str], ...] = ()


def match(base: Sequence[R], new: Sequence[R], rename: Sequence[str] = ()) -> Matched[R]:
    """Match records by what was asked.

    Args:
        base, new: both files' records; in each, no case has a variant twice over the same baseline.
        rename: what --rename was given.

    Raises:
        UsageError: it fits no two cases that only one file has.
    """
    then = {record.case_id: record.case for record in base}
    now = {record.case_id: record.case for record in new}
    same = _partners(then, now)
    gone, come = _without(then, same.values()), _without(now, same)
    before, after = _called(gone, now, same)
    shared = {after[key] for key in same}.union(same, same.values())
    by_hand = renaming.pairs(rename, _spellings(before, gone), _spellings(after, come), shared)
    partners = {**same, **{ours: theirs for theirs, ours in by_hand}}
    alike = renaming.alike_cases(_without(gone, partners.values()), _without(come, partners))
    called = {**before, **{theirs: after[ours] for ours, theirs in partners.items()}}
    left = {record.key: record for record in base}
    pairs: list[tuple[R, R]] = []
    alone: list[tuple[str, R]] = []
    for record in new:
        partner = partners.get(record.case_id, "")
        other = left.pop(question(partner, record.variant, record.baseline), None)
        if other is None:
            alone.append((after[record.case_id], record))
        else:
            pairs.append((other, record))
    return Matched(
        tuple(pairs),
        tuple(after[record.case_id] for _, record in pairs),
        tuple((called[record.case_id], record) for record in left.values()),
        tuple(alone),
        tuple((before[theirs], after[ours]) for theirs, ours in by_hand),
        tuple((before[theirs], after[ours]) for theirs, ours in alike),
    )


def _called(
    gone: Mapping[str, Case], now: Mapping[str, Case], partners: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The names of what only the first file has, and of all that the second has, by their ids.

    Those that both have are named among themselves, so that they keep their names when a case is
    added beside them.
    """
    every = naming.names([*now.values(), *gone.values()])
    shared = naming.names([now[key] for key in partners])
    after = {**dict(zip(now, every, strict=False)), **dict(zip(partners, shared, strict=True))}
    return dict(zip(gone, every[len(now) :], strict=True)), after


def _partners(then: Mapping[str, Case], now: Mapping[str, Case]) -> dict[str, str]:
    """For each case of now that has one, that of then; both by their ids."""
    found = {key: key for key in now if key in then}
    taken = set(found)
    before, after = _by_file(then, taken), _by_file(now, taken)
    for name, ours in after.items():
        theirs = before.get(name, {})
        deepest = max(map(_depth, (*theirs.values(), *ours.values())))
        for length in range(1, max(1, deepest) + 1):
            first, second = _alone(theirs, length), _alone(ours, length)
            for moved, key in second.items():
                other = first.get(moved)
                if key not in found and other is not None and other not in taken:
                    found[key] = other
                    taken.add(other)
    return found


def _by_file(cases: Mapping[str, Case], taken: Collection[str]) -> dict[str, dict[str, Case]]:
    """Cases that differ in the folder of a user's file alone, together."""
    found: dict[str, dict[str, Case]] = {}
    for key, case in cases.items():
        if key not in taken or _depth(case):
            found.setdefault(_moved(case, 1).id, {})[key] = case
    return found


def _alone(cases: Mapping[str, Case], length: int) -> dict[str, str]:
    """The cases that so many parts of their files' paths tell from the others: their ids, by what
    those parts leave of the case."""
    moved = {key: _moved(case, length).id for key, case in cases.items()}
    meant = Counter(moved.values())
    return {name: key for key, name in moved.items() if meant[name] == 1}


def _moved(case: Case, length: int) -> Case:
    """The case of a user's attack or model with the last parts of its file's path, so many."""
    attack = specs.tail(case.attack, length) if case.library == USER else case.attack
    return replace(case, attack=attack, model=specs.tail(case.model, length))


def _depth(case: Case) -> int:
    """Of the longest path of a user's file; 0 where it has none."""
    attack = specs.depth(case.attack) if case.library == USER else 0
    return max(attack, specs.depth(case.model))


def _without(cases: Mapping[str, Case], known: Iterable[str]) -> dict[str, Case]:
    left_out = set(known)
    return {key: case for key, case in cases.items() if key not in left_out}


def _spellings(called: Mapping[str, str], of: Iterable[str]) -> Known:
    """The ids of these cases by their names, and by themselves."""
    return {spelling: key for key in of for spelling in (key, called[key])}
