"""Language models: from a configuration, given as a checkpoint, damaged and missing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.base import AdapterError
from adapters.tokens import models, vocabulary
from adapters.tokens.catalogue import MODELS

TINY = ("llama-tiny", "gpt2-tiny")


@pytest.mark.parametrize("name", TINY)
def test_a_seeded_model_is_the_same_for_its_seed_alone(name: str) -> None:
    before = torch.get_rng_state()
    built = [models.build(name, seed).model for seed in (0, 0, 1)]
    weights = [torch.cat([p.flatten() for p in model.parameters()]) for model in built]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(model.training for model in built)


@pytest.mark.parametrize("name", MODELS)
def test_each_has_as_many_parameters_as_the_list_says(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "tokenizer", lambda size: None)
    with torch.device("meta"):
        model = models.build(name, 0).model
    assert sum(parameter.numel() for parameter in model.parameters()) == MODELS[name].parameters
    assert f"{MODELS[name].parameters:,} parameters" in MODELS[name].told


@pytest.mark.parametrize("size", [512, 10_000])
def test_text_of_tokens_is_read_as_the_same_tokens(size: int) -> None:
    """But for the few that continue a word."""
    known = vocabulary.tokens(size)
    assert len(set(known)) == size
    coder = vocabulary.tokenizer(size)
    assert len(coder) == size
    whole = [
        place
        for place, token in enumerate(known)
        if token not in vocabulary.SPECIAL and not token.startswith(vocabulary.CONTINUES)
    ]
    assert len(whole) > 0.85 * size
    drawn = [whole[n] for n in torch.randint(len(whole), (500,)).tolist()]
    assert coder(coder.decode(drawn), add_special_tokens=False)["input_ids"] == drawn
    assert all(known[place].isascii() and known[place].isprintable() for place in whole)


def test_words_that_are_unknown_are_split_into_letters() -> None:
    coder = vocabulary.tokenizer(512)
    read = coder("Xylophones, 7!", add_special_tokens=False)["input_ids"]
    assert vocabulary.tokens(512).index(vocabulary.UNKNOWN) not in read


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("victim")
    found: Any = models.build("gpt2-tiny", 3)
    found.model.save_pretrained(folder)
    found.tokenizer.save_pretrained(folder)
    return folder


def test_a_checkpoint_with_its_tokenizer_is_a_language_model(checkpoint: Path) -> None:
    found, made = models.build(str(checkpoint), seed=0), models.build("gpt2-tiny", 3)
    text = "Count from one to ten ."
    assert found.tokenizer(text)["input_ids"] == made.tokenizer(text)["input_ids"]
    assert torch.equal(found.embedding.weight, made.embedding.weight)
    assert (found.source, found.vocabulary, found.positions) == (str(checkpoint), 512, 256)
    assert all(parameter.requires_grad for parameter in found.model.parameters())


def refused(spec: str, said: str) -> None:
    with pytest.raises(AdapterError, match=said) as raised:
        models.build(spec, seed=0)
    assert "\n" not in str(raised.value)
    assert spec in str(raised.value)


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("tokenizer*", "tokenizer"),
        ("config.json", "no config.json in it"),
        ("model.safetensors", "the model can't be loaded"),
    ],
)
def test_a_checkpoint_that_lacks_something_is_told_in_a_line(
    checkpoint: Path, tmp_path: Path, lost: str, said: str
) -> None:
    folder = tmp_path / "victim"
    shutil.copytree(checkpoint, folder)
    for file in folder.glob(lost):
        file.unlink()
    refused(str(folder), said)


def test_a_classifier_is_no_causal_language_model(checkpoint: Path, tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2ForSequenceClassification

    shutil.copytree(checkpoint, tmp_path, dirs_exist_ok=True)
    config: Any = GPT2Config(vocab_size=512, n_embd=32, n_layer=1, n_head=2)
    GPT2ForSequenceClassification(config).save_pretrained(tmp_path)
    refused(str(tmp_path), "it is a GPT2ForSequenceClassification, no causal language model")


def test_a_tokenizer_that_knows_more_than_the_model_is_another_models(
    checkpoint: Path, tmp_path: Path
) -> None:
    shutil.copytree(checkpoint, tmp_path, dirs_exist_ok=True)
    vocabulary.tokenizer(600).save_pretrained(tmp_path)
    refused(str(tmp_path), "knows 600 tokens and the model 512")


def test_a_name_that_is_nowhere_is_not_downloaded() -> None:
    refused("nobody/nothing", "nothing is downloaded")
