"""A small attack on token sequences, built."""

from __future__ import annotations

from typing import Any

from bench.cases import SEMI_BACKWARD, Case, Comparison
from bench.kinds.tokens import building
from bench.kinds.tokens.options import TokenOptions
from bench.worker import state


def token_case(
    library: str = "gcg",
    attack: str = "gcg-backward",
    model: str = "llama-tiny",
    batch: int = 1,
    dtype: str = "float32",
    device: str = "cpu",
    **options: Any,
) -> Case:
    """`options`: those of `TokenOptions`."""
    tries = not attack.startswith("token-gradient")
    usual: dict[str, Any] = {"prompts": "shipped", "steps": 2, "suffix": 4, "top_k": 8}
    if tries:
        usual |= {"candidates": 6, "candidate_batch": 4}
    asked = TokenOptions(**{**usual, **options})
    return Case(library, attack, model, batch, dtype, device, asked, weights="random")


def built(variant: str = SEMI_BACKWARD, **changes: Any) -> building.TokenWorkload:
    made = building.build(Comparison(token_case(**changes), variant), seed=0)
    state.settle()  # as a worker does, so that no run walks through all of pytest
    return made
