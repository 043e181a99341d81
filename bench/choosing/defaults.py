"""What a suite leaves open where only libraries, or only attacks, were named: each library is asked
for what it has, and each attack of whoever has it. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from adapters import registry as libraries
from bench.kinds import registry
from bench.kinds.base import Kind
from bench.kinds.group import ALL, Group
from bench.kinds.request import Request
from bench.words import unknown


def fitted(groups: Sequence[Group], request: Request, suite: str) -> tuple[Group, ...]:
    """A suite's groups, what was given already in its place.

    Args:
        groups: of every kind.
        request: what was asked.
        suite: its name.

    Raises:
        UsageError: a suite names a library, or an attack, that nobody knows.
    """
    for group in groups:
        unknown("library", group.libs, registry.of(group).libraries())
    if request.libs and request.attacks is None:
        for kind in _kinds(groups):
            _check(kind, kind.of(groups))
        return tuple(dict.fromkeys(part for group in groups for part in _parts(group, groups)))
    if request.attacks and request.libs is None and not request.own:
        return tuple(dict.fromkeys(_of_those_that_have(group, request.attacks) for group in groups))
    return tuple(groups)


def remarks(groups: Sequence[Group], request: Request) -> Iterator[str]:
    """What a library that was named has not, in words; nothing where nobody asked for it.

    Args:
        groups: with what was given in its place.
        request: what was asked.
    """
    if not request.attacks and not request.suite:
        return
    for library in request.libs or ():
        lacking: dict[str, None] = {}
        instead: dict[str, None] = {}
        for group in groups:
            kind = registry.of(group)
            there = {ALL, *kind.attacks([library])}
            lacking |= dict.fromkeys(name for name in group.attacks if name not in there)
            if request.attacks is None:
                taken = kind.attacks_for(library, group, kind.of(groups))
                instead |= dict.fromkeys(name for name in taken if name not in group.attacks)
        if lacking:
            outcome = f"taken instead: {', '.join(instead)}" if instead else "left out"
            yield f"{library} has no {', '.join(lacking)}; {outcome}"


def _parts(group: Group, groups: Sequence[Group]) -> Iterator[Group]:
    """A group as several, where its libraries have not the same of its attacks."""
    kind = registry.of(group)
    asked: dict[tuple[str, ...], list[str]] = {}
    for library in group.libs:
        asked.setdefault(kind.attacks_for(library, group, kind.of(groups)), []).append(library)
    for attacks, names in asked.items():
        if attacks:
            yield replace(group, libs=tuple(names), attacks=attacks)


def _of_those_that_have(group: Group, attacks: Sequence[str]) -> Group:
    """Of its libraries those that have one of the attacks; for what they lack, others of ours."""
    kind = registry.of(group)
    kept = [name for name in group.libs if set(attacks) & {ALL, *kind.offered(name)}]
    lacking = set(attacks).difference([ALL], *map(kind.offered, kept))
    others = [
        name
        for name in libraries.OURS
        if name not in kept
        and name in kind.libraries()
        and libraries.subject(name) == kind.subject
        and lacking & set(kind.offered(name))
    ]
    return replace(group, libs=(*kept, *others)) if kept or others else group


def _check(kind: Kind, groups: Iterable[Group]) -> None:
    """Whether somebody has what a suite names, though not the libraries that were named.

    Raises:
        UsageError: nobody.
    """
    ours = [name for name in kind.libraries() if name in libraries.OURS]
    for group in groups:
        known = dict.fromkeys(kind.attacks([*dict.fromkeys((*ours, *group.libs))]))
        unknown("attack", group.attacks, [ALL, *known])


def _kinds(groups: Iterable[Group]) -> list[Kind]:
    return list(dict.fromkeys(registry.of(group) for group in groups))
