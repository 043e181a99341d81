"""nanoGCG: greedy coordinate gradient, its gradient asked for by `autograd.grad`.

It wants a transformers that ours is too new for, so it is installed into a layer of its own.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from adapters.base import AttackInfo
from adapters.text.victims import offline
from adapters.tokens.base import Step, TokenAdapter, TokenSettings

if TYPE_CHECKING:
    from adapters.tokens.base import Tell, TokenAttack
    from adapters.tokens.models import LanguageModel
    from adapters.tokens.prompts import Prompt

_START = "x"
"""What its first suffix is made of, by its default."""


class Nanogcg(TokenAdapter):
    """nanoGCG 0.3.0."""

    name = "nanogcg"
    distribution = "nanogcg"
    apart = ("nanogcg==0.3.0",)
    devices = frozenset({"cpu", "cuda"})
    left_out: ClassVar[Mapping[str, str]] = {
        "ProbeSamplingConfig": "it needs a second, smaller model that drafts",
    }

    def attacks(self) -> Mapping[str, AttackInfo]:
        return {
            "gcg": AttackInfo(
                norm="token",
                access="white-box",
                default_steps=250,
                source="nanogcg.GCG",
                gradient_call="autograd.grad",
                extra_work="forward passes of every candidate; a text of each is made and read",
            )
        }

    def import_library(self) -> None:
        offline()
        os.environ.setdefault("TQDM_DISABLE", "1")  # a bar on stderr, which workers keep for errors
        importlib.import_module("nanogcg")

    def build_token_attack(
        self, attack: str, model: LanguageModel, prompt: Prompt, settings: TokenSettings
    ) -> TokenAttack:
        import nanogcg

        gcg = importlib.import_module("nanogcg.gcg")
        gcg.logger.setLevel("ERROR")
        config = nanogcg.GCGConfig(
            num_steps=settings.steps,
            optim_str_init=" ".join([_START] * settings.suffix),
            search_width=settings.candidates,
            batch_size=settings.candidate_batch,
            topk=settings.top_k,
            verbosity="ERROR",
        )
        built = gcg.GCG(model.model, model.tokenizer, config)

        def attack_it(tell: Tell | None) -> Any:
            watch = contextlib.nullcontext() if tell is None else _watched(gcg, built, tell)
            with watch:
                return built.run(f"{prompt.text} ", f" {prompt.target}")

        return attack_it


@contextlib.contextmanager
def _watched(gcg: Any, built: Any, tell: Tell) -> Iterator[None]:
    """Tell of each step of a run inside the block: what it tried is what was left of its samples,
    and the first losses that it asks for are its start's."""
    filtering, losing = gcg.filter_ids, built._compute_candidates_loss_original
    tried: list[Any] = []

    def filtered(ids: Any, tokenizer: Any) -> Any:
        tried[:] = [filtering(ids, tokenizer)]
        return tried[0]

    def lost(search_batch_size: int, input_embeds: Any) -> Any:
        losses = losing(search_batch_size, input_embeds)
        if tried:
            (candidates,) = tried
            tell(Step(candidates, losses, candidates[losses.argmin()]))
            tried.clear()
        return losses

    gcg.filter_ids, built._compute_candidates_loss_original = filtered, lost
    try:
        yield
    finally:
        gcg.filter_ids = filtering
        del built._compute_candidates_loss_original
