"""One table of the attacks on text × promises, held on a tiny victim and two of our sentences.

Rows of a library that is in a layer of its own are run where that is first on the path.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from torch import nn

from adapters import registry
from adapters.base import Adapter, UnsupportedSettings
from adapters.text.base import TextAdapter
from bench.cases import BASELINE, FORWARD_ONLY, SEMI_BACKWARD, Comparison
from bench.kinds.text import building
from bench.kinds.text.building import PROBED_QUERIES, Outcome, TextWorkload
from bench.worker import gradients
from tests.adapters.asked import settings
from tests.cases import text_case

SENTENCES = 2
BUDGETS = {"openattack": 15, "textattack": 40}
FILLERS = {"openattack": ("bertattack", "bae"), "textattack": ("bertattack", "bae", "clare")}
"""The attacks with a network that fills blanks."""


def text_adapter(library: str) -> TextAdapter:
    adapter: Adapter = registry.get(library)
    assert isinstance(adapter, TextAdapter)
    return adapter


def working(library: str) -> list[str]:
    return [name for name, info in registry.get(library).attacks().items() if info.fault is None]


def variants(library: str) -> tuple[str, ...]:
    """Where a query computes no gradient there is none to do without."""
    paid = text_adapter(library).pays_for_queries
    return (SEMI_BACKWARD, FORWARD_ONLY) if paid else (SEMI_BACKWARD,)


def table(names: str, rows: Callable[[str], Sequence[Any]]) -> pytest.MarkDecorator:
    """A test for each library and each of its rows."""
    found = []
    for library in BUDGETS:
        marks = pytest.mark.layer(library) if registry.get(library).apart else ()
        for row in rows(library):
            cells = (row,) if isinstance(row, str) else row
            found.append(pytest.param(library, *cells, marks=marks, id="-".join([library, *cells])))
    return pytest.mark.parametrize(f"library, {names}".rstrip(", "), found)


every_attack = table("attack", working)
every_pair = table(
    "attack, variant", lambda of: [(a, v) for a in working(of) for v in variants(of)]
)
every_library = table("", lambda of: [()])


@dataclass(frozen=True)
class Trial:
    """One attack in one variant and in the original."""

    work: TextWorkload
    original: list[Outcome]
    other: list[Outcome]


@functools.cache
def trial(library: str, attack: str, variant: str = SEMI_BACKWARD) -> Trial:
    case = text_case(library, attack, batch=SENTENCES, queries=BUDGETS[library])
    work = building.build(Comparison(case, variant), seed=0)
    return Trial(work, work.output(BASELINE), work.output(variant))


@every_pair
def test_variants_make_the_same_adversarial_sentences(
    library: str, attack: str, variant: str
) -> None:
    found = trial(library, attack, variant)
    assert [o.error for o in found.original] == [None] * SENTENCES
    assert [o.made for o in found.other] == [o.made for o in found.original]
    assert found.work.compare(found.original, found.other).bitwise
    assert sum(o.queries for o in found.original) >= SENTENCES


@every_attack
def test_it_repeats_itself(library: str, attack: str) -> None:
    """Not even the number of queries changes: an attack keeps nothing of the run before."""
    found = trial(library, attack)
    again = found.work.output(BASELINE)
    assert [o.made for o in again] == [o.made for o in found.original]


@every_library
def test_some_attacks_succeed_and_change_the_sentence(library: str) -> None:
    attacks = working(library)
    found = [
        (o.sentence.text, o.adversarial)
        for attack in attacks
        for o in trial(library, attack).original
        if o.adversarial is not None
    ]
    assert len(found) > len(attacks) / 2
    assert all(before.lower() != after.lower() for before, after in found)


@every_attack
def test_the_books_keep_to_the_budget(library: str, attack: str) -> None:
    budget = BUDGETS[library]
    for outcome in trial(library, attack, variants(library)[-1]).original:
        assert outcome.queries <= budget
        assert not outcome.spent or outcome.queries == budget
        assert not outcome.spent or outcome.adversarial is None


@every_attack
def test_what_it_declares_to_read_is_what_the_books_show(library: str, attack: str) -> None:
    """OpenAttack runs a backward pass for each query, TextAttack for each gradient it reads."""
    adapter = text_adapter(library)
    reads = adapter.attacks()[attack].access == "white-box"
    found = trial(library, attack, variants(library)[-1])
    assert any(o.gradient_queries for o in found.original) == reads
    for original, other in zip(found.original, found.other, strict=True):
        assert bool(original.passes) == (adapter.pays_for_queries or reads)
        if adapter.pays_for_queries:
            assert original.unread == original.passes or reads
        else:
            assert original.passes == original.gradient_queries
            assert original.unread == 0
        assert other.unread == 0
        assert bool(other.passes) == bool(original.gradient_queries)


@every_pair
def test_no_parameter_gradient_is_computed_but_in_the_original(
    library: str, attack: str, variant: str
) -> None:
    """But for one: TextAttack itself makes the embeddings' weight require a gradient."""
    adapter = text_adapter(library)
    work = trial(library, attack, variant).work
    with gradients.observed(work.model) as original:
        work.probe(BASELINE, lambda run: run())
    with gradients.observed(work.model) as other:
        work.probe(variant, lambda run: run())
    every = len(list(work.model.parameters()))
    if adapter.pays_for_queries:
        assert (len(original.parameters), len(other.parameters)) == (every, 0)
    elif adapter.attacks()[attack].access == "white-box":
        assert (len(original.parameters), len(other.parameters)) == (every, 1)
    else:
        assert (len(original.parameters), len(other.parameters)) == (0, 0)


@every_attack
def test_a_probe_is_short(library: str, attack: str) -> None:
    work = trial(library, attack).work
    calls = 0

    def count(module: nn.Module, inputs: object, output: object) -> None:
        nonlocal calls
        calls += 1

    handle = work.model.register_forward_hook(count)
    work.probe(BASELINE, lambda run: run())
    handle.remove()
    passes = 1 if text_adapter(library).pays_for_queries else 2
    assert 0 < calls <= passes * PROBED_QUERIES, "TextAttack makes two for a gradient"


@every_pair
def test_the_victim_is_left_as_it_was(library: str, attack: str, variant: str) -> None:
    work = trial(library, attack, variant).work
    before = {name: value.clone() for name, value in work.model.state_dict().items()}
    for name in work.variants:
        work.run(name, lambda run: run())
    assert all(value.equal(before[name]) for name, value in work.model.state_dict().items())
    assert all(parameter.requires_grad for parameter in work.model.parameters())
    assert not work.model.training
    assert not work.victim.embedding._forward_hooks
    assert not work.victim.embedding._backward_hooks
    assert "record_invoke" not in vars(work.attacks[BASELINE].classifier)


@table("attack", FILLERS.__getitem__)
def test_the_network_that_fills_blanks_is_frozen_too(library: str, attack: str) -> None:
    work = trial(library, attack).work
    victim, filler = work.attacks[SEMI_BACKWARD].networks
    assert victim is work.model

    def frozen(run: object) -> bool:
        return not any(parameter.requires_grad for parameter in filler.parameters())

    assert work.run(SEMI_BACKWARD, frozen)
    assert not work.run(BASELINE, frozen)


def test_attackers_start_every_run_as_they_were_built() -> None:
    """TextFooler lowers its threshold for good at a short sentence."""
    work = trial("openattack", "textfooler").work
    work.run(BASELINE, lambda run: run())
    assert work.attacks[BASELINE].attacker.sim_score_threshold == 0.5


@pytest.mark.parametrize("library", BUDGETS)
def test_it_attacks_no_images(library: str) -> None:
    with pytest.raises(UnsupportedSettings, match="attacks text, not images"):
        text_adapter(library).build("textfooler", nn.Identity(), settings())
