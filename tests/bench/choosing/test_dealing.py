"""Shards: together they are everything, and each has about as much to do."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.cases import Comparison
from bench.choosing import dealing
from bench.errors import NothingToDo
from bench.kinds.sharding import Shard
from tests.cases import changed, image_case
from tests.commands import chosen


def shards(comparisons: list[Comparison], count: int) -> list[list[Comparison]]:
    """All of them, also those that have nothing."""
    found = []
    for number in range(1, count + 1):
        try:
            found.append(dealing.dealt(comparisons, Shard(number, count)))
        except NothingToDo:
            found.append([])
    return found


@pytest.mark.parametrize("suite", ["all-attacks", "quick", "paper-models", "faster", "paper-mad"])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 32, 400])
def test_together_they_are_everything_and_nothing_is_in_two(suite: str, count: int) -> None:
    comparisons = chosen("--suite", suite)
    found = shards(comparisons, count)
    assert Counter(c for shard in found for c in shard) == Counter(comparisons)
    where = [{comparison.case for comparison in shard} for shard in found]
    assert sum(map(len, where)) == len({comparison.case for comparison in comparisons})
    assert max(map(len, where)) - min(map(len, where)) <= 1
    assert dealing.fullest(comparisons, count) == max(map(len, found))


def test_each_keeps_the_order_of_the_run() -> None:
    comparisons = chosen("--suite", "all-attacks")
    for shard in shards(comparisons, 5):
        places = [comparisons.index(comparison) for comparison in shard]
        assert places == sorted(places)


def test_slow_models_and_large_batches_are_in_all_of_them() -> None:
    """However the product is ordered; here what is slow comes round with the number of shards."""
    cases = [
        changed(image_case(), library=library, model=model, batch=batch)
        for library in ("art", "foolbox", "torchattacks", "advertorch")
        for model in ("resnet18", "resnet50")
        for batch in (1, 64)
    ]
    for shard in shards([Comparison(case, "semi-backward") for case in cases], 4):
        assert Counter((c.case.model, c.case.batch) for c in shard) == {
            ("resnet18", 1): 1,
            ("resnet18", 64): 1,
            ("resnet50", 1): 1,
            ("resnet50", 64): 1,
        }


def test_the_cut_is_the_same_wherever_it_is_made() -> None:
    """On another GPU of the machine, and in whatever order the cases come."""
    comparisons = chosen("--suite", "all-attacks", device="cuda:0")
    others = chosen("--suite", "all-attacks", device="cuda:1")[::-1]

    def told(found: list[Comparison]) -> list[list[str]]:
        cut = shards(found, 6)
        return [sorted(f"{c.case.what} {c.case.batch} {c.variant}" for c in one) for one in cut]

    assert told(comparisons) == told(others)


def test_a_shard_of_fewer_cases_has_nothing_to_do() -> None:
    comparisons = [Comparison(image_case(), "semi-backward")]
    assert dealing.dealt(comparisons, Shard(1, 32)) == comparisons
    with pytest.raises(NothingToDo, match="nothing to do in shard 9/32 of 1 case") as raised:
        dealing.dealt(comparisons, Shard(9, 32))
    assert raised.value.exit_code == 0
