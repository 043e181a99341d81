"""EasyJailbreak: its greedy coordinate gradient, which calls `loss.backward()` on a model whose
weights require gradients, and never clears them.

It wants many packages, so it is installed into a layer of its own.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from adapters.base import AttackInfo
from adapters.text.victims import offline
from adapters.tokens.base import Step, TokenAdapter, TokenSettings

if TYPE_CHECKING:
    from adapters.tokens.base import Tell, TokenAttack
    from adapters.tokens.models import LanguageModel
    from adapters.tokens.prompts import Prompt

_TEMPLATE = "raw"
"""Of fastchat's templates the one that adds nothing to a prompt."""
_ANSWERED = 8
"""Tokens of the answer that each step generates and looks at."""
_NO_TOKEN = -1
_PROMPTS_ALONE = "it changes prompts by rules or by another model, and reads no gradient"


class Easyjailbreak(TokenAdapter):
    """EasyJailbreak 0.1.3."""

    name = "easyjailbreak"
    distribution = "easyjailbreak"
    apart = ("easyjailbreak==0.1.3",)
    devices = frozenset({"cpu", "cuda"})
    left_out: ClassVar[Mapping[str, str]] = dict.fromkeys(
        (
            *("GPTFuzzer", "ReNeLLM", "ICA", "AutoDAN", "Cipher", "CodeChameleon"),
            *("DeepInception", "Jailbroken", "MJP", "Multilingual", "PAIR", "TAP"),
        ),
        _PROMPTS_ALONE,
    )

    def attacks(self) -> Mapping[str, AttackInfo]:
        return {
            "gcg": AttackInfo(
                norm="token",
                access="white-box",
                default_steps=500,
                source="easyjailbreak.attacker.GCG",
                gradient_call="backward",
                extra_work="forward passes of every candidate, each made to text and read again; an"
                f" answer of {_ANSWERED} tokens is generated",
            )
        }

    def import_library(self) -> None:
        offline()
        level = logging.root.level
        importlib.import_module("easyjailbreak.attacker.GCG_Zou_2023")
        logging.root.setLevel(level)  # one of its packages lets everything through

    def build_token_attack(
        self, attack: str, model: LanguageModel, prompt: Prompt, settings: TokenSettings
    ) -> TokenAttack:
        from easyjailbreak.attacker.GCG_Zou_2023 import GCG
        from easyjailbreak.datasets import Instance, JailbreakDataset
        from easyjailbreak.models.huggingface_model import HuggingfaceModel
        from easyjailbreak.utils import model_utils

        # It keeps, for good, every model whose tokens it has looked through.
        model_utils.get_nonsense_token_ids.cache_clear()
        wrapped = HuggingfaceModel(
            model.model, model.tokenizer, _TEMPLATE, generation_config={"max_new_tokens": _ANSWERED}
        )
        with _no_log():
            built = GCG(
                attack_model=wrapped,
                target_model=wrapped,
                jailbreak_datasets=JailbreakDataset([]),
                jailbreak_prompt_length=settings.suffix,
                num_turb_sample=settings.candidates,
                batchsize=settings.candidate_batch,
                top_k=settings.top_k,
                max_num_iter=settings.steps,
            )

        def attack_it(tell: Tell | None) -> Any:
            asked = Instance(query=prompt.text, reference_responses=[prompt.target])
            built.jailbreak_datasets = JailbreakDataset([asked])
            watch = contextlib.nullcontext() if tell is None else _watched(built, model, tell)
            with watch:
                return built.attack()

        return attack_it


@contextlib.contextmanager
def _no_log() -> Iterator[None]:
    """Inside the block an attacker opens no file in the current folder, and adds no handler to
    python's root logger, as each of them does for good."""
    module: Any = importlib.import_module("easyjailbreak.attacker.attacker_base")
    logger, module.Logger = module.Logger, lambda: None
    try:
        yield
    finally:
        module.Logger = logger


@contextlib.contextmanager
def _watched(built: Any, model: LanguageModel, tell: Tell) -> Iterator[None]:
    """Tell of each step of a run inside the block; candidates are texts, told by their tokens."""
    selector = built.selector

    def selected(dataset: Any) -> Any:
        best = type(selector).select(selector, dataset)
        texts = [instance.jailbreak_prompt for instance in (*dataset, *best)]
        *candidates, chosen = _tokens(model.tokenizer, texts)
        tell(_step(candidates, [instance._loss for instance in dataset], chosen))
        return best

    selector.select = selected
    try:
        yield
    finally:
        del selector.select


def _tokens(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    """The ids of each text, filled up to equal lengths."""
    found: list[list[int]] = tokenizer(texts, add_special_tokens=False)["input_ids"]
    longest = max(map(len, found))
    return [ids + [_NO_TOKEN] * (longest - len(ids)) for ids in found]


def _step(candidates: list[list[int]], losses: list[float], chosen: list[int]) -> Step:
    import torch

    return Step(torch.tensor(candidates), torch.tensor(losses), torch.tensor(chosen))
