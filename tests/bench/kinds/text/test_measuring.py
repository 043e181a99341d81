"""How text is measured: queries are booked, sentences take turns."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from adapters.text.queries import Ledger, QueriesSpent
from bench.statistics import blocks, diagnosis
from bench.statistics.blocks import Block, Sample

# The books of queries


class FakeVictim:
    """Like OpenAttack's: every method passes through `record_invoke`, also from within another."""

    def __init__(self) -> None:
        self.answered: list[int] = []

    def record_invoke(self, count: int, method: Callable[..., Any], *args: Any) -> Any:
        return method(self, *args)

    def get_grad(self, texts: list[str], labels: list[int]) -> str:
        return self.record_invoke(len(texts), get_grad, texts, labels)  # type: ignore[no-any-return]

    def get_prob(self, texts: list[str]) -> str:
        return self.record_invoke(len(texts), get_prob, texts)  # type: ignore[no-any-return]


def get_grad(victim: FakeVictim, texts: list[str], labels: list[int]) -> str:
    assert len(texts) == len(labels)
    victim.answered.append(len(texts))
    return "answer"


def get_prob(victim: FakeVictim, texts: list[str]) -> str:
    return victim.get_grad(texts, [0] * len(texts))


def test_a_call_from_within_another_is_no_query_of_its_own() -> None:
    ledger, victim = Ledger(None), FakeVictim()
    with ledger.kept(victim):
        assert victim.get_prob(["a", "b"]) == "answer"
        assert victim.get_grad(["a"], [0]) == "answer"
    assert (ledger.queries, ledger.gradient_queries, ledger.spent) == (3, 1, False)
    victim.get_prob(["a"])
    assert ledger.queries == 3, "closed books"


def test_the_last_call_is_cut_to_what_is_left_and_its_answer_withheld() -> None:
    ledger, victim = Ledger(5), FakeVictim()
    with ledger.kept(victim):
        victim.get_prob(["a", "b", "c"])
        with pytest.raises(QueriesSpent):
            victim.get_grad(["a", "b", "c"], [0, 0, 0])
        with pytest.raises(QueriesSpent):
            victim.get_prob(["a"])
    assert victim.answered == [3, 2]
    assert (ledger.queries, ledger.gradient_queries, ledger.spent) == (5, 2, True)


def test_exactly_as_many_queries_as_allowed_are_not_too_many() -> None:
    ledger, victim = Ledger(2), FakeVictim()
    with ledger.kept(victim):
        assert victim.get_prob(["a", "b"]) == "answer"
    assert not ledger.spent


# Blocks of sentences


def test_every_sentence_has_its_turn_in_a_seeded_order() -> None:
    drawn = list(islice(blocks.parts(1, 5), 15))
    assert all(sorted(drawn[i : i + 5]) == list(range(5)) for i in (0, 5, 10))
    assert drawn == list(islice(blocks.parts(1, 5), 15))
    assert drawn != list(islice(blocks.parts(2, 5), 15))
    assert list(islice(blocks.parts(3, 1), 3)) == [0, 0, 0]


def block(part: int, seconds: float) -> Block:
    samples = tuple(Sample(seconds * factor) for factor in (1.5, 1, 1, 1.5))
    return Block(0, "ABBA", samples, part=part)


def test_sentences_of_different_lengths_are_no_drift() -> None:
    lengths = {0: 1.0, 1: 3.0, 2: 9.0}
    order = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    steady = diagnosis.diagnose([block(part, lengths[part]) for part in order])
    assert steady.drift == pytest.approx(0)
    slower = [block(0, 1.1**number) for number in range(12)]
    found = diagnosis.diagnose(slower).drift
    assert found == pytest.approx(8 * math.log(1.1), rel=0.1)
