"""How cases' models and attacks are called: users' own by their file's name and the function's.

Two files of the same name in one report are told apart by the folders they are in, and cases that
all names leave alike by whatever else differs between them. Pure, but for knowing inside
`naming.told_apart` which cases there are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from bench import specs
from bench.cases import AS_BUILT, Case


@dataclass(frozen=True)
class Known:
    """What tells the cases of a report apart.

    Attributes:
        specs: the names of users' attacks and models, by all of FILE.py:NAME.
        apart: of a case that its names leave like another, what differs between them.
    """

    specs: Mapping[str, str] = field(default_factory=dict)
    apart: Mapping[Case, tuple[str, ...]] = field(default_factory=dict)


_NOTHING = Known()
_known: ContextVar[Known] = ContextVar("what tells cases apart", default=_NOTHING)


@contextlib.contextmanager
def knowing(found: Known) -> Iterator[None]:
    """Inside the block cases are called by this."""
    before = _known.set(found)
    try:
        yield
    finally:
        _known.reset(before)


def name(case: Case) -> str:
    """A case's model, in tables, titles and sentences."""
    return _called(case.model)


def on(case: Case) -> str:
    """What a case runs on, behind its workload; "" of one that brings its own networks."""
    return "" if case.model == AS_BUILT else f" on {name(case)}"


def attack(case: Case) -> str:
    """A case's attack there."""
    return _called(case.attack)


def apart(case: Case, *, besides: Sequence[str] = ()) -> list[str]:
    """What tells a case from those that its names leave alike, each in a word or two.

    Args:
        case: one of the report's.
        besides: what is told anyway.
    """
    found = _known.get().apart
    return [told for told in found.get(asked(case), ()) if told not in besides] if found else []


def asked(case: Case) -> Case:
    """The case, whichever version of its library answered."""
    return replace(case, library_version=None)


def weights(case: Case) -> str:
    """A case's weights, behind its model; "" where nothing was asked of them."""
    return "" if case.weights in ("random", AS_BUILT) else f"weights {case.weights}"


def _called(spec: str) -> str:
    return _known.get().specs.get(spec) or specs.tail(spec, 1)
