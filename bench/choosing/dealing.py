"""Shards: a run's comparisons, dealt out to as many jobs as there are. Pure.

Cases that are much alike take about equally long. So they are laid side by side and dealt like
cards, forwards and backwards in turn, and every shard gets about as many of each sort. The same
cases are always dealt in the same way, whatever they are measured on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.cases import Case, Comparison
from bench.errors import NothingToDo
from bench.kinds.sharding import Shard
from semibackward_bench.grammar import counted


def dealt(comparisons: Sequence[Comparison], shard: Shard) -> list[Comparison]:
    """Those of a shard, in their order; all comparisons of a case are in the same one.

    Args:
        comparisons: all of them.
        shard: which of how many.

    Raises:
        NothingToDo: there are fewer cases than shards.
    """
    number = _numbers(comparisons, shard.count)
    found = [each for each in comparisons if number[each.case] == shard.number]
    if not found:
        raise NothingToDo(f"nothing to do in shard {shard} of {counted(len(number), 'case')}")
    return found


def fullest(comparisons: Sequence[Comparison], count: int) -> int:
    """How many comparisons the shard has that has most of them.

    Args:
        comparisons: all of them.
        count: how many shards there are.
    """
    number = _numbers(comparisons, count)
    return max(Counter(number[each.case] for each in comparisons).values())


def _numbers(comparisons: Sequence[Comparison], count: int) -> dict[Case, int]:
    """The shard of each case."""
    found = {}
    many = Counter(comparison.case for comparison in comparisons)
    for place, case in enumerate(sorted(many, key=lambda case: _likeness(case, many[case]))):
        round_, number = divmod(place, count)
        found[case] = count - number if round_ % 2 else number + 1
    return found


def _likeness(case: Case, many: int) -> tuple[str, str, int, str, int, str, str, str]:
    """By what cases are laid side by side: what makes them slow first, their names last.

    Args:
        case: one of them.
        many: comparisons that it has.
    """
    settings = str(sorted((name, str(value)) for name, value in case.options.facts().items()))
    return case.kind, case.model, case.batch, settings, many, case.attack, case.library, case.id
