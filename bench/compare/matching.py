"""Which case of one file is which of the other, and what to call it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Generic, TypeVar

from adapters.custom import LIBRARY as USER
from bench.cases import Case
from bench.records.types import ComparisonRecord, CountsRecord

R = TypeVar("R", ComparisonRecord, CountsRecord)


@dataclass(frozen=True)
class Matched(Generic[R]):
    """Two files' records side by side.

    Attributes:
        pairs: of the cases that both have, in the order of the second.
        names: of the pairs' cases, in as many words as tell them apart.
        only_base, only_new: the others, in words.
    """

    pairs: tuple[tuple[R, R], ...]
    names: tuple[str, ...]
    only_base: tuple[str, ...]
    only_new: tuple[str, ...]


def match(base: Sequence[R], new: Sequence[R]) -> Matched[R]:
    """Match records by what was asked.

    A user's own attack or model is known by its file's name and its function, so that it can lie in
    another folder, as two checkouts side by side do; unless a file has several of that name.
    """
    whole = _ambiguous(base) | _ambiguous(new)
    then = {_key(record, whole): record for record in base}
    now = {_key(record, whole): record for record in new}
    common = [key for key in now if key in then]
    pairs = tuple((then[key], now[key]) for key in common)
    libraries = {record.case.library for record in new}
    return Matched(
        pairs,
        _names([record.case for _, record in pairs]),
        tuple(_alone(r, libraries) for key, r in then.items() if key not in now),
        tuple(_words(r) for key, r in now.items() if key not in then),
    )


def _key(record: R, whole: set[str]) -> tuple[str, str]:
    case = _moved(record.case)
    return (record.case_id if case.id in whole else case.id), record.variant


def _ambiguous(found: Sequence[R]) -> set[str]:
    """Ids that several cases of a file would share if folders did not count."""
    cases = {record.case_id: _moved(record.case).id for record in found}
    return {name for name, number in Counter(cases.values()).items() if number > 1}


def _moved(case: Case) -> Case:
    """The case of a user's attack or model without the folder of its file."""
    attack = _without_folder(case.attack) if case.library == USER else case.attack
    return replace(case, attack=attack, model=_without_folder(case.model))


def _without_folder(spec: str) -> str:
    """Of FILE.py:NAME the file's name and the function's; anything else as it is."""
    if ".py:" not in spec:
        return spec
    place, _, name = spec.rpartition(":")
    return f"{PurePath(place).name}:{name}"


def _names(cases: Sequence[Case]) -> tuple[str, ...]:
    short = [f"{_moved(case).what} on {_moved(case).model}" for case in cases]
    meant = Counter(
        name for name, _ in {(name, case.id) for name, case in zip(short, cases, strict=True)}
    )
    return tuple(
        name if meant[name] == 1 else str(_moved(case))
        for name, case in zip(short, cases, strict=True)
    )


def _words(record: R) -> str:
    return f"{record.case}: {record.variant}"


def _alone(record: R, libraries: set[str]) -> str:
    gone = "" if record.case.library in libraries else f" ({record.case.library} is gone from NEW)"
    return _words(record) + gone
