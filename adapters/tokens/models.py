"""Causal language models and their tokenizers: from a configuration and a seed, or the user's."""

from __future__ import annotations

import contextlib
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.base import AdapterError
from adapters.text.victims import SAVE_ONE, in_one_line, offline
from adapters.tokens import vocabulary
from adapters.tokens.catalogue import MODELS, Configured
from semibackward_bench.grammar import counted

if TYPE_CHECKING:
    from torch import nn

_NAMES = {"llama": ("LlamaConfig", "LlamaForCausalLM"), "gpt2": ("GPT2Config", "GPT2LMHeadModel")}


@dataclass(frozen=True)
class LanguageModel:
    """A model of what token comes next, and what came with it.

    Attributes:
        model: transformers' for causal language modelling, in eval mode, all its parameters
            requiring a gradient.
        tokenizer: transformers' tokenizer of it.
        source: where it comes from, in words.
    """

    model: nn.Module
    tokenizer: Any
    source: str

    @property
    def embedding(self) -> Any:
        """The layer that makes vectors of tokens; its weight is (vocabulary, width)."""
        model: Any = self.model
        return model.get_input_embeddings()

    @property
    def vocabulary(self) -> int:
        """Rows of its embeddings, at least as many as the tokenizer knows tokens."""
        return int(self.embedding.weight.shape[0])

    @property
    def positions(self) -> int | None:
        """Tokens that it reads at most; None where it does not say."""
        config: Any = getattr(self.model, "config", None)
        found = getattr(config, "max_position_embeddings", None)
        return found if isinstance(found, int) else None


def preload() -> None:
    """Import what `build` does, where it is installed; where not, `build` says so."""
    offline()
    for make in _NAMES:
        with contextlib.suppress(ImportError):
            importlib.import_module(f"transformers.models.{make}.modeling_{make}")


def build(spec: str, seed: int) -> LanguageModel:
    """A language model on the CPU.

    Args:
        spec: a name from `catalogue.MODELS`, a folder that `save_pretrained` wrote, or the Hugging
            Face name of a model that is in the local cache.
        seed: of random weights.

    Raises:
        AdapterError: there is no such model here, or it can't be used.
    """
    offline()
    configured = MODELS.get(spec)
    found = _checkpoint(spec) if configured is None else _seeded(configured, seed)
    found.model.requires_grad_(True)
    found.model.eval()
    return found


def _seeded(asked: Configured, seed: int) -> LanguageModel:
    import torch

    try:
        transformers = importlib.import_module("transformers")
    except ImportError as error:
        raise AdapterError(
            f"language models need transformers ({error}): python -m pip install transformers"
        ) from error
    config_class, model_class = (getattr(transformers, name) for name in _NAMES[asked.make])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = model_class(config_class(**_configuration(asked)))
    return LanguageModel(model, vocabulary.tokenizer(asked.vocabulary), asked.told)


def _configuration(asked: Configured) -> dict[str, Any]:
    """The arguments of transformers' configuration."""
    ids = {name: place for place, name in enumerate(vocabulary.SPECIAL)}
    common: dict[str, Any] = {
        "vocab_size": asked.vocabulary,
        "bos_token_id": ids[vocabulary.BEGIN],
        "eos_token_id": ids[vocabulary.END],
        "pad_token_id": ids[vocabulary.PAD],
    }
    if asked.make == "gpt2":
        return {
            **common,
            "n_positions": asked.positions,
            "n_embd": asked.width,
            "n_layer": asked.layers,
            "n_head": asked.heads,
            "n_inner": asked.inner,
        }
    return {
        **common,
        "hidden_size": asked.width,
        "intermediate_size": asked.inner,
        "num_hidden_layers": asked.layers,
        "num_attention_heads": asked.heads,
        "num_key_value_heads": asked.heads,
        "max_position_embeddings": asked.positions,
    }


def _checkpoint(spec: str) -> LanguageModel:
    with in_one_line(spec, "the model", MODELS):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        folder = Path(spec)
        if folder.exists() and not (folder / "config.json").is_file():
            raise AdapterError(
                f"victim {spec}: no config.json in it; name a folder that save_pretrained wrote"
            )
        _check_made(spec)
        model: Any = AutoModelForCausalLM.from_pretrained(spec, local_files_only=True)
    with in_one_line(spec, "the tokenizer", MODELS, SAVE_ONE):
        tokenizer: Any = AutoTokenizer.from_pretrained(spec, local_files_only=True)
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) < 10 or len(tokenizer) > rows:
        known = counted(f"{len(tokenizer):,}", "token")
        raise AdapterError(
            f"victim {spec}: its tokenizer knows {known} and the model {rows:,}; save the model's"
            " own beside it with tokenizer.save_pretrained"
        )
    return LanguageModel(model, tokenizer, spec)


def _check_made(spec: str) -> None:
    """A folder of another model would be given an output layer of random weights, and a warning.

    Raises:
        AdapterError: what was saved there predicts no next token.
    """
    from transformers import AutoConfig

    config: Any = AutoConfig.from_pretrained(spec, local_files_only=True)
    made = getattr(config, "architectures", None) or []
    if made and not any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in made):
        raise AdapterError(
            f"victim {spec}: it is a {made[0]}, no causal language model; name one that predicts"
            " the next token"
        )
