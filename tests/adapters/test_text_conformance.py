"""One table of OpenAttack's attacks × promises, held on a tiny victim and two of our sentences."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import pytest
from torch import nn

from adapters import registry
from adapters.text.base import TextAdapter
from bench.cases import BASELINE, FORWARD_ONLY, SEMI_BACKWARD, Comparison
from bench.kinds.text import building
from bench.kinds.text.building import PROBED_QUERIES, Outcome, TextWorkload
from bench.worker import gradients
from tests.adapters.asked import settings
from tests.cases import changed, text_case

ADAPTER = registry.get("openattack")
ATTACKS = list(ADAPTER.attacks())
BUDGET, SENTENCES = 15, 2
CASE = text_case(batch=SENTENCES, queries=BUDGET)
PAIRS = [(attack, variant) for attack in ATTACKS for variant in (SEMI_BACKWARD, FORWARD_ONLY)]


@dataclass(frozen=True)
class Trial:
    """One attack in one variant and in the original."""

    work: TextWorkload
    original: list[Outcome]
    other: list[Outcome]


@functools.cache
def trial(attack: str, variant: str) -> Trial:
    work = building.build(Comparison(changed(CASE, attack=attack), variant), seed=0)
    return Trial(work, work.output(BASELINE), work.output(variant))


@pytest.mark.parametrize(("attack", "variant"), PAIRS)
def test_variants_make_the_same_adversarial_sentences(attack: str, variant: str) -> None:
    found = trial(attack, variant)
    assert [o.error for o in found.original] == [None] * SENTENCES
    assert [o.made for o in found.other] == [o.made for o in found.original]
    assert found.work.compare(found.original, found.other).bitwise
    assert sum(o.queries for o in found.original) >= SENTENCES


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_repeats_itself(attack: str) -> None:
    found = trial(attack, SEMI_BACKWARD)
    again = found.work.output(BASELINE)
    assert [o.made for o in again] == [o.made for o in found.original]


def test_some_attacks_succeed_and_change_the_sentence() -> None:
    found = [
        (o.sentence.text, o.adversarial)
        for attack in ATTACKS
        for o in trial(attack, SEMI_BACKWARD).original
        if o.adversarial is not None
    ]
    assert len(found) > len(ATTACKS) / 2
    assert all(before.lower() != after.lower() for before, after in found)


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_books_keep_to_the_budget(attack: str) -> None:
    for outcome in trial(attack, FORWARD_ONLY).original:
        assert outcome.queries <= BUDGET
        assert not outcome.spent or outcome.queries == BUDGET
        assert not outcome.spent or outcome.adversarial is None


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_it_declares_to_read_is_what_the_books_show(attack: str) -> None:
    """Black-box attacks run a backward pass for each query all the same, and read none."""
    reads = ADAPTER.attacks()[attack].access == "white-box"
    found = trial(attack, FORWARD_ONLY)
    assert any(o.gradient_queries for o in found.original) == reads
    for original, without in zip(found.original, found.other, strict=True):
        assert original.passes > 0
        assert original.unread == original.passes or reads
        assert without.unread == 0
        assert bool(without.passes) == bool(original.gradient_queries)


@pytest.mark.parametrize(("attack", "variant"), PAIRS)
def test_no_parameter_gradient_is_computed_but_in_the_original(attack: str, variant: str) -> None:
    work = trial(attack, variant).work
    with gradients.observed(work.model) as original:
        work.probe(BASELINE, lambda run: run())
    with gradients.observed(work.model) as other:
        work.probe(variant, lambda run: run())
    assert len(original.parameters) == len(list(work.model.parameters()))
    assert not other.parameters


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_probe_is_short(attack: str) -> None:
    work = trial(attack, SEMI_BACKWARD).work
    calls = 0

    def count(module: nn.Module, inputs: object, output: object) -> None:
        nonlocal calls
        calls += 1

    handle = work.model.register_forward_hook(count)
    work.probe(BASELINE, lambda run: run())
    handle.remove()
    assert 0 < calls <= PROBED_QUERIES


@pytest.mark.parametrize(("attack", "variant"), PAIRS)
def test_the_victim_is_left_as_it_was(attack: str, variant: str) -> None:
    work = trial(attack, variant).work
    before = {name: value.clone() for name, value in work.model.state_dict().items()}
    for name in work.variants:
        work.run(name, lambda run: run())
    assert all(value.equal(before[name]) for name, value in work.model.state_dict().items())
    assert all(parameter.requires_grad for parameter in work.model.parameters())
    assert not work.model.training
    assert not work.victim.embedding._forward_hooks
    assert "record_invoke" not in vars(work.attacks[BASELINE].classifier)


@pytest.mark.parametrize("attack", ["bertattack", "bae"])
def test_the_network_that_fills_blanks_is_frozen_too(attack: str) -> None:
    work = trial(attack, SEMI_BACKWARD).work
    victim, filler = work.attacks[SEMI_BACKWARD].networks
    assert victim is work.model

    def frozen(run: object) -> bool:
        return not any(parameter.requires_grad for parameter in filler.parameters())

    assert work.run(SEMI_BACKWARD, frozen)
    assert not work.run(BASELINE, frozen)


def test_attackers_start_every_run_as_they_were_built() -> None:
    """TextFooler lowers its threshold for good at a short sentence."""
    work = trial("textfooler", SEMI_BACKWARD).work
    work.run(BASELINE, lambda run: run())
    assert work.attacks[BASELINE].attacker.sim_score_threshold == 0.5


def test_it_attacks_no_images() -> None:

    assert isinstance(ADAPTER, TextAdapter)
    with pytest.raises(Exception, match="attacks text, not images"):
        ADAPTER.build("textfooler", nn.Identity(), settings())
