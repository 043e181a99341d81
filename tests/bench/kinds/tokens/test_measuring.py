"""Attacks on token sequences, built and run: what is equal, what is counted, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.base import AdapterError, UnsupportedSettings
from adapters.tokens.base import Step
from bench.cases import A_A, BASELINE, SEMI_BACKWARD
from bench.errors import InvalidOutput
from bench.kinds.tokens.building import TokenWorkload
from bench.kinds.tokens.findings import PromptRecord, TokenFindings
from bench.statistics.anatomy import Anatomy
from bench.worker import memory, passes
from bench.worker.checks import check
from tests.bench.kinds.tokens.workloads import built

PARAMETERS = {"llama-tiny": 21, "gpt2-tiny": 28}
"""Tensors of weights."""


@pytest.mark.parametrize("model", PARAMETERS)
@pytest.mark.parametrize("attack", ["gcg-backward", "token-gradient-backward"])
def test_both_variants_are_identical_and_only_the_original_computes_weights_gradients(
    attack: str, model: str
) -> None:
    found = check(built(attack=attack, model=model), operations=False)
    assert found.equality.level == "identical"
    assert found.gradients is not None
    assert found.gradients["call"] == "backward"
    computed = [found.gradients[name] for name in ("parameters", BASELINE, SEMI_BACKWARD)]
    assert computed == [PARAMETERS[model], PARAMETERS[model], 0]
    assert not [said for said in found.warnings if "could not be looked at" in said]


def test_autograd_grad_computes_none_and_takes_the_same_steps() -> None:
    one, two = built(), built(attack="gcg-autograd-grad")
    found = check(two, operations=False)
    assert found.gradients is not None
    assert (found.gradients["call"], found.gradients[BASELINE]) == ("autograd.grad", 0)
    assert one.compare(one.output(BASELINE), two.output(SEMI_BACKWARD)).bitwise


def test_freezing_spares_the_weights_gradients_and_operations() -> None:
    found = check(built(attack="token-gradient-backward"), explain=True)
    parts = found.memory_parts or {}
    work = built(attack="token-gradient-backward")
    weights = sum(p.numel() * p.element_size() for p in work.model.parameters())
    kept = work.probe(BASELINE, lambda run: memory.kept(run, work.model))
    assert kept.gradients in (0, weights), "all at once, or activations were more"
    assert parts[SEMI_BACKWARD]["gradients"] == 0
    assert found.memory is not None
    assert int(found.memory[BASELINE]) > int(found.memory[SEMI_BACKWARD])
    assert found.theory is not None
    assert 1.2 < float(found.theory["speedup"]) < 1.6
    assert isinstance(found.anatomy, Anatomy)


def test_the_record_tells_of_each_prompt() -> None:
    found = check(built(batch=2), operations=False).findings
    assert isinstance(found, TokenFindings)
    found.check()
    assert (found.parameters, found.weights, found.vocabulary) == (53_408, 4 * 53_408, 512)
    assert [(p.line, p.steps, p.candidates) for p in found.prompts] == [(1, 2, 12), (2, 2, 12)]
    first = found.prompts[0]
    assert (first.tokens, first.target) == (7, 15)
    assert first.last_loss < first.first_loss
    assert len(first.suffix.split()) == 4
    none = check(built(attack="token-gradient-backward"), operations=False).findings
    assert isinstance(none, TokenFindings)
    assert [p.candidates for p in none.prompts] == [0]


def test_findings_that_can_not_be_are_none() -> None:
    prompt = PromptRecord(1, 2, 3, 1, 0, 1.0, float("nan"), "x")
    found = TokenFindings(victim="v", parameters=1, weights=4, vocabulary=2, prompts=[prompt])
    with pytest.raises(ValueError, match="the losses of line 1"):
        found.check()
    with pytest.raises(ValueError, match="0 parameters"):
        replace(found, parameters=0, prompts=[]).check()


CHANGES: dict[str, tuple[Callable[[Step], Step], str]] = {
    "candidates": (lambda s: replace(s, candidates=s.candidates + 1), "the candidate tokens"),
    "losses": (
        lambda s: replace(s, losses=s.losses.nextafter(s.losses + 1)),
        "the losses of the same",
    ),
    "chosen": (lambda s: replace(s, chosen=s.chosen.flip(0)), "other tokens are chosen"),
    "dtype": (lambda s: replace(s, losses=s.losses.double()), "the losses of the same"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_gate_sees_any_other_token_and_any_other_bit(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the weights are frozen, the second step comes out otherwise."""
    change, said = CHANGES[what]
    work = built()
    (attack,) = work.attacks

    def changed(tell: Any) -> Any:
        told: list[Step] = []
        attack(None if tell is None else told.append)
        frozen = not next(work.model.parameters()).requires_grad
        for number, step in enumerate(told):
            tell(change(step) if frozen and number else step)

    found = check(replace(work, attacks=(changed,)), operations=False)
    assert found.equality.level == "different"
    assert found.unequal is not None
    assert f"at line 1, step 2: {said}" in found.unequal


def test_the_gate_sees_a_step_less() -> None:
    work = built()
    trail = work.output(BASELINE)
    short = [steps[:1] for steps in trail]
    equality = work.compare(trail, short)
    assert not equality.equal
    assert work.difference(trail, short, equality) == "at line 1, step 2: 2 steps against 1"
    assert work.doubts(short) == ["line 1: the attack ended after 1 step of 2"]


def test_losses_that_are_not_finite_are_doubted_and_equal_to_themselves() -> None:
    work = built()
    ids = torch.zeros(1, 4, dtype=torch.int64)
    trail = [[Step(ids, torch.tensor([float("nan")]), ids[0])] * 2]
    assert work.compare(trail, trail).bitwise
    assert work.doubts(trail) == ["line 1: not all losses are finite; try float32"]


def test_an_attack_without_a_step_is_none() -> None:
    work = replace(built(), attacks=(lambda tell: None,))
    with pytest.raises(InvalidOutput, match="no step with the prompt of line 1"):
        work.output(BASELINE)


def test_the_model_is_left_as_it_was() -> None:
    work = built(A_A)
    before = {name: value.clone() for name, value in work.model.state_dict().items()}
    for name in (*work.variants, SEMI_BACKWARD):
        work.run(name, lambda run: run())
    assert all(value.equal(before[name]) for name, value in work.model.state_dict().items())
    assert all(parameter.requires_grad for parameter in work.model.parameters())
    assert not work.model.training


def test_a_probe_has_one_step_and_a_run_all_of_them() -> None:
    work = built(batch=2)

    def calls(run: Callable[[], Any]) -> int:
        made = 0

        def count(*_: object) -> None:
            nonlocal made
            made += 1

        handle = work.model.register_forward_hook(count)
        run()
        handle.remove()
        return made

    step = 1 + 2  # the gradient, and six candidates by four
    assert work.probe(BASELINE, calls) == step
    assert work.run(BASELINE, calls) == 2 * 2 * step


@pytest.mark.parametrize(
    ("attack", "forward"), [("gcg-backward", 7), ("token-gradient-backward", 1)]
)
def test_passes_are_counted_by_sequences(attack: str, forward: int) -> None:
    """One for the gradient, and one for each candidate."""
    found = passes.of(built(attack=attack), BASELINE)
    assert (found.forward_images, found.backward_images) == (forward, 1)
    assert not found.in_parts


def refused(said: str, error: type[AdapterError] = AdapterError, **changes: Any) -> None:
    with pytest.raises(error) as raised:
        built(**changes)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_a_model_can_not_read_is_refused_in_a_line() -> None:
    refused("reads 256; shorten it", suffix=250)
    refused("the model has 512 tokens; give at most 256", UnsupportedSettings, top_k=300)
    where = {"library": "nanogcg", "attack": "gcg", "device": "mps"}
    refused("works on cpu, cuda only", UnsupportedSettings, **where)


def test_a_folder_that_is_no_model_is_refused_in_a_line(tmp_path: Path) -> None:
    refused("no config.json in it", model=str(tmp_path))


def test_it_runs_in_half_precision() -> None:
    work = built(dtype="bfloat16")
    assert isinstance(work, TokenWorkload)
    assert check(work, operations=False).equality.level == "identical"
