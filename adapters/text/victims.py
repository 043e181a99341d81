"""The classifiers that are attacked: BERT with random weights, or a checkpoint of the user's."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.base import AdapterError
from adapters.text import sentences, vocabulary

if TYPE_CHECKING:
    from torch import nn

BASE = "bert-base"
TINY = "bert-tiny"
SAVE_ONE = "; save one beside it with tokenizer.save_pretrained"
"""The mend where a folder has no tokenizer."""
SEEDED = {
    BASE: "BERT-base from its configuration, random weights from the seed: 109 million parameters",
    TINY: "two layers of 64, random weights from the seed: for tests",
}
"""Victims that need no file, by what --victim takes."""

MAX_LENGTH = 128
"""Tokens that a victim reads of a sentence, [CLS] and [SEP] included."""
_TINY: dict[str, Any] = {
    "vocab_size": 4096,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 128,
}
_CENTRED_ON = 16
_WORD_BONUS = 4.0
"""What a whole word is ahead of other pieces, in logits, where the stand-in fills a blank."""


@dataclass(frozen=True)
class Victim:
    """A classifier of sentences and what came with it.

    Attributes:
        model: a transformers model for sequence classification, in eval mode, all its parameters
            requiring a gradient.
        tokenizer: transformers' tokenizer of it.
        source: where it comes from, in words.
    """

    model: nn.Module
    tokenizer: Any
    source: str

    @property
    def embedding(self) -> nn.Module:
        """The layer whose output attacks take the gradient of."""
        model: Any = self.model
        layer: nn.Module = model.get_input_embeddings()
        return layer


def offline() -> None:
    """Keep transformers and datasets from the network, before they are imported."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
        os.environ[name] = "1"
    os.environ["DISABLE_SAFETENSORS_CONVERSION"] = "1"


def preload() -> None:
    """Import what `build` does, where it is installed; where not, `build` says so."""
    offline()
    with contextlib.suppress(ImportError):
        importlib.import_module("transformers.models.bert.modeling_bert")


def build(spec: str, seed: int) -> Victim:
    """A victim on the CPU.

    Args:
        spec: a name from `SEEDED`, a folder with a checkpoint, or the Hugging Face name of one
            that is in the local cache.
        seed: of random weights.

    Raises:
        AdapterError: there is no such checkpoint here, or it can't be used.
    """
    victim = _seeded(spec, seed) if spec in SEEDED else _checkpoint(spec)
    victim.model.requires_grad_(True)
    victim.model.eval()
    return victim


def masked_language_model(victim: str, seed: int) -> tuple[Any, Any]:
    """A stand-in for the network that BERTAttack and BAE fill blanks with, and its tokenizer.

    Random weights give random words; whole words are put ahead of pieces of them.

    Args:
        victim: as given to `build`; the stand-in for `TINY` is as small.
        seed: of its weights.
    """
    import torch
    from transformers import BertForMaskedLM

    config = _config(TINY if victim == TINY else BASE)
    words = vocabulary.whole_words()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        model: Any = BertForMaskedLM(config)
        model.eval()
    bonus = [_WORD_BONUS * (piece in words) for piece in vocabulary.pieces(config.vocab_size)]
    with torch.no_grad():
        model.get_output_embeddings().bias += torch.tensor(bonus)
    return model, vocabulary.tokenizer(config.vocab_size)


def _config(name: str) -> Any:
    from transformers import BertConfig

    return BertConfig(**(_TINY if name == TINY else {}))


def _seeded(name: str, seed: int) -> Victim:
    import torch
    from transformers import BertForSequenceClassification

    config = _config(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = BertForSequenceClassification(config)
        model.eval()
    tokenizer = vocabulary.tokenizer(config.vocab_size)
    _centre(model, tokenizer)
    return Victim(model, tokenizer, SEEDED[name])


def _centre(model: Any, tokenizer: Any) -> None:
    """Shift the output so that our sentences do not all get the same label."""
    import torch

    encoded = tokenizer(list(sentences.shipped()[:_CENTRED_ON]), padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = model(
            input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"]
        ).logits
        model.classifier.bias -= logits.median(dim=0).values


def _checkpoint(spec: str) -> Victim:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = Path(spec)
    with in_one_line(spec, "the model", SEEDED):
        if folder.exists() and not (folder / "config.json").is_file():
            raise AdapterError(
                f"victim {spec}: no config.json in it; name a folder that save_pretrained wrote"
            )
        model = AutoModelForSequenceClassification.from_pretrained(spec, local_files_only=True)
    if model.config.num_labels < 2:
        raise AdapterError(f"victim {spec}: it has one output; it is classifiers that are attacked")
    with in_one_line(spec, "the tokenizer", SEEDED, SAVE_ONE):
        tokenizer = AutoTokenizer.from_pretrained(spec, local_files_only=True)
    if not tokenizer.vocab_size or len(tokenizer) < 10:
        raise AdapterError(
            f"victim {spec}: no tokenizer in it; save one beside it with tokenizer.save_pretrained"
        )
    for token in ("unk_token", "cls_token", "sep_token", "pad_token"):
        if getattr(tokenizer, token, None) is None:
            raise AdapterError(
                f"victim {spec}: its tokenizer has no {token}, which attacks need; take a model"
                " of BERT's kind"
            )
    return Victim(model, tokenizer, spec)


@contextlib.contextmanager
def in_one_line(spec: str, what: str, known: Iterable[str], mend: str = "") -> Iterator[None]:
    """The block in which transformers loads something of the user's; its errors get one line.

    Args:
        spec: how the user called it.
        what: is loaded.
        known: names that stand for no files.
        mend: where there are files.

    Raises:
        AdapterError: it can't be loaded.
    """
    try:
        yield
    except AdapterError:
        raise
    except Exception as error:  # transformers raises what it likes
        if not Path(spec).exists():
            mend = (
                f"; it is neither {' nor '.join(known)}, nor a folder, nor in Hugging Face's"
                " cache, and nothing is downloaded unasked"
            )
        said = " ".join(str(error).split())[:160]
        raise AdapterError(
            f"victim {spec}: {what} can't be loaded ({type(error).__name__}: {said}){mend}"
        ) from error
