"""Which kinds of workload there are: ours, and third parties' by entry point."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping, Sequence
from importlib import metadata

from bench.errors import UsageError
from bench.kinds.base import Kind
from bench.kinds.group import Group
from bench.kinds.request import Request
from bench.words import closest

ENTRY_POINT_GROUP = "semibackward.kinds"
OURS = {
    "images": "bench.kinds.images.kind:Images",
    "text": "bench.kinds.text.kind:Text",
    "training": "bench.kinds.training.kind:Training",
    "energy": "bench.kinds.energy.kind:EnergyKind",
    "sampling": "bench.kinds.sampling.kind:SamplingKind",
    "pruning": "bench.kinds.pruning.kind:PruningKind",
    "function": "bench.kinds.function.kind:FunctionKind",
    "tokens": "bench.kinds.tokens.kind:Tokens",
}
DEFAULT = "images"
"""What is meant where nothing tells."""


def names() -> list[str]:
    """Every kind: ours, then third parties'."""
    return [*OURS, *sorted(set(third_parties()) - set(OURS))]


def get(name: str) -> Kind:
    """The kind of that name.

    Raises:
        UsageError: there is none, or a third party's can't be loaded.
    """
    if name in OURS:
        return _made(OURS[name])
    if name not in third_parties():
        raise UsageError(f"unknown kind {name!r}{closest(name, names())}")
    value = third_parties()[name]
    try:
        kind = _made(value)
    except Exception as error:
        raise UsageError(
            f"the kind {name} ({value}) can't be loaded: {type(error).__name__}: {error}; mend or"
            " uninstall the package that ships it"
        ) from error
    if not isinstance(kind, Kind) or kind.name != name:
        raise UsageError(
            f"the kind {name} ({value}) is no subclass of bench.kinds.base.Kind of that name"
        )
    return kind


def every() -> list[Kind]:
    """All kinds that can be loaded; `broken` tells of the others."""
    return list(_loaded()[0])


def broken() -> list[str]:
    """A sentence for each third party's kind that can't be loaded."""
    return list(_loaded()[1])


def _loaded() -> tuple[list[Kind], list[str]]:
    kinds, faults = [], []
    for name in names():
        try:
            kinds.append(get(name))
        except UsageError as error:
            faults.append(str(error))
    return kinds, faults


def of(group: Group) -> Kind:
    """The kind of a suite's product."""
    return get(group.kind)


def meant(request: Request) -> Kind:
    """The kind that is asked for where no suite is named: the last one that says so."""
    return next((kind for kind in reversed(every()) if kind.meant(request)), get(DEFAULT))


def claiming(table: Mapping[str, object]) -> Kind:
    """The kind of a suite's table that names none."""
    return next((kind for kind in reversed(every()) if kind.claims(table)), get(DEFAULT))


def users(request: Request) -> bool:
    """Whether what was asked is a user's own, and no library's."""
    return bool(request.own) or any(request.option(kind.by_users) for kind in every())


def options() -> Sequence[str]:
    """The names of all kinds' own options."""
    return list(dict.fromkeys(name for kind in every() for name in kind.own))


@functools.cache
def _made(value: str) -> Kind:
    module, _, attribute = value.partition(":")
    kind: Kind = getattr(importlib.import_module(module), attribute)()
    return kind


@functools.cache
def third_parties() -> Mapping[str, str]:
    """Import paths by name."""
    found = metadata.entry_points(group=ENTRY_POINT_GROUP)
    return {entry.name: entry.value for entry in found}
