"""Greedy coordinate gradient of ours, held against what it should be by other means."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adapters import reference as calls
from adapters import registry
from adapters.base import UnsupportedSettings
from adapters.tokens import models, prompts, reference
from adapters.tokens.base import Step, TokenAdapter, TokenSettings
from adapters.tokens.models import LanguageModel
from adapters.tokens.reference import Sought
from tests.adapters.asked import settings as of_images

SETTINGS = TokenSettings(
    steps=3, candidates=9, top_k=5, candidate_batch=4, suffix=4, dtype="float32", device="cpu"
)
ADAPTER = registry.get("gcg")
PROMPT = prompts.read(prompts.SHIPPED)[0]


@functools.cache
def model(name: str = "llama-tiny") -> LanguageModel:
    return models.build(name, 0)


def sought(name: str = "llama-tiny") -> Sought:
    return reference.sought(model(name), PROMPT, SETTINGS)


def loss_of(found: Sought, suffix: Tensor) -> Tensor:
    """By transformers' own loss."""
    network: Any = found.model.model
    ids = torch.cat([found.before, suffix, found.target])[None]
    labels = ids.clone()
    labels[:, : -len(found.target)] = -100
    loss: Tensor = network(input_ids=ids, labels=labels).loss
    return loss


def attacked(attack: str, name: str = "llama-tiny") -> list[Step]:
    assert isinstance(ADAPTER, TokenAdapter)
    told: list[Step] = []
    run = ADAPTER.build_on(attack, model(name), PROMPT, SETTINGS)
    torch.manual_seed(0)
    run(told.append)
    return told


@pytest.mark.parametrize("name", ["llama-tiny", "gpt2-tiny"])
def test_losses_are_those_of_transformers(name: str) -> None:
    found = sought(name)
    candidates = torch.randint(4, 500, (5, 4))
    losses = reference.candidate_losses(found, candidates, 2)
    assert losses.allclose(torch.stack([loss_of(found, one) for one in candidates]))


def test_the_token_gradient_is_the_losss_by_each_row() -> None:
    """Of its embeddings: one-hot rows times the table of embeddings."""
    found = sought()
    gradient, loss = reference.token_gradient(found, found.start, calls.by_autograd_grad)
    assert gradient.shape == (4, 512)
    assert loss.allclose(loss_of(found, found.start))
    seen: dict[str, Tensor] = {}
    layer = found.model.embedding

    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
        output.retain_grad()
        seen["output"] = output

    handle = layer.register_forward_hook(keep)
    loss_of(found, found.start).backward()
    handle.remove()
    places = slice(len(found.before), len(found.before) + 4)
    grad = seen["output"].grad
    assert grad is not None
    assert gradient.allclose(grad[0, places] @ layer.weight.T, atol=1e-6)


def test_candidates_differ_in_one_token_of_the_best_and_the_best_of_them_is_chosen() -> None:
    found, before = sought(), sought().start
    for step in attacked("gcg-backward"):
        slopes, _ = reference.token_gradient(found, before, calls.by_backward)
        best = reference.promising(found, slopes, 5)
        assert step.candidates.shape == (9, 4)
        for candidate in step.candidates:
            apart = (candidate != before).nonzero().flatten().tolist()
            assert len(apart) <= 1
            assert all(candidate[place] in best[place] for place in apart)
        assert step.chosen.equal(step.candidates[step.losses.argmin()])
        before = step.chosen
    assert not before.equal(found.start)


def test_the_best_tokens_are_never_special() -> None:
    found = sought()
    special = set(found.model.tokenizer.all_special_ids)
    assert set(found.forbidden.tolist()) == special
    gradient = torch.zeros(4, 512)
    gradient[:, list(special)] = -1.0
    assert not special & set(reference.promising(found, gradient, 500).flatten().tolist())


def test_both_ways_to_ask_take_the_same_steps() -> None:
    for search in ("gcg", "token-gradient"):
        one, two = attacked(f"{search}-backward"), attacked(f"{search}-autograd-grad")
        assert len(one) == len(two) == 3
        for a, b in zip(one, two, strict=True):
            assert a.candidates.equal(b.candidates)
            assert a.losses.equal(b.losses)
            assert a.chosen.equal(b.chosen)


def test_a_flip_is_the_one_by_which_the_loss_falls_most_to_first_order() -> None:
    found, before = sought("gpt2-tiny"), sought("gpt2-tiny").start
    for step in attacked("token-gradient-backward", "gpt2-tiny"):
        slopes, loss = reference.token_gradient(found, before, calls.by_backward)
        slopes[:, found.forbidden] = float("inf")
        change = slopes - slopes.gather(1, before[:, None])
        place, token = divmod(int(change.argmin()), 512)
        expected = before.clone()
        expected[place] = token
        assert step.chosen.equal(expected)
        assert step.losses.equal(loss)
        before = step.chosen


def test_gradients_of_weights_are_left_by_backward_alone() -> None:
    fresh = models.build("llama-tiny", 1)
    assert isinstance(ADAPTER, TokenAdapter)
    for attack, left in (("gcg-autograd-grad", 0), ("gcg-backward", 21)):
        ADAPTER.build_on(attack, fresh, PROMPT, SETTINGS)(None)
        assert sum(p.grad is not None for p in fresh.model.parameters()) == left


def test_it_attacks_no_images() -> None:
    with pytest.raises(UnsupportedSettings, match="attacks token sequences, not images"):
        ADAPTER.build("gcg-backward", nn.Identity(), of_images())
