"""How models are called: timm's by their names, users' own by their file's and the function's.

Two files of the same name in one report are told apart by the folders they are in. Pure, but for
knowing inside `told_apart` which models there are.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING

from bench.cases import AS_BUILT, Case

if TYPE_CHECKING:
    from bench.records.reading import Run

_NONE: Mapping[str, str] = {}
_names: ContextVar[Mapping[str, str]] = ContextVar("names of users' models", default=_NONE)


@contextlib.contextmanager
def told_apart(runs: Sequence[Run]) -> Iterator[None]:
    """Inside the block `name` tells the models of these runs apart."""
    before = _names.set(names(case.model for run in runs for case in _cases(run)))
    try:
        yield
    finally:
        _names.reset(before)


def name(case: Case) -> str:
    """A case's model, in tables, titles and sentences."""
    return _names.get().get(case.model) or _last(case.model, 1)


def names(models: Iterable[str]) -> dict[str, str]:
    """Of each model the shortest name that is no other's."""
    found: dict[str, str] = {}
    left = list(dict.fromkeys(models))
    for length in itertools.count(1):
        if not left:
            return found
        spelt = {model: _last(model, length) for model in left}
        for model, short in spelt.items():
            if short == model or list(spelt.values()).count(short) == 1:
                found[model] = short
        left = [model for model in left if model not in found]
    raise AssertionError("a name has no end")


def weights(case: Case) -> str:
    """A case's weights, behind its model; "" where nothing was asked of them."""
    return "" if case.weights in ("random", AS_BUILT) else f"weights {case.weights}"


def _last(model: str, length: int) -> str:
    """Of a user's FILE.py:NAME the last parts of its path, so many; others are as they are."""
    if ":" not in model:
        return model
    return "/".join(model.split("/")[-length:])


def _cases(run: Run) -> Iterator[Case]:
    lines = (run.comparisons, run.counts, run.duels, *run.own.values())
    return (record.case for record in itertools.chain.from_iterable(lines))
