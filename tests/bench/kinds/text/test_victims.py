"""Victims: seeded, given as a checkpoint, damaged and missing."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.base import AdapterError
from adapters.text import sentences, victims
from bench.worker.checks import check
from tests.bench.kinds.text.workloads import built

pytestmark = pytest.mark.usefixtures("openattack")


def test_a_seeded_victim_is_the_same_for_its_seed_alone() -> None:
    one, again, other = (victims.build("bert-tiny", seed).model for seed in (0, 0, 1))
    weights = [next(model.parameters()) for model in (one, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def labels(victim: victims.Victim) -> list[int]:
    read = victim.tokenizer(list(sentences.shipped()), padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = victim.model(
            input_ids=read["input_ids"], attention_mask=read["attention_mask"]
        ).logits
    return [int(label) for label in logits.argmax(dim=1)]


def test_a_seeded_victim_does_not_say_the_same_to_all() -> None:
    counted = Counter(labels(victims.build("bert-tiny", 0)))
    assert min(counted[0], counted[1]) >= 10


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("victim")
    victim: Any = victims.build("bert-tiny", 3)
    victim.model.save_pretrained(folder)
    victim.tokenizer.save_pretrained(folder)
    return folder


def test_a_checkpoint_with_its_tokenizer_is_a_victim(checkpoint: Path) -> None:
    victim = victims.build(str(checkpoint), seed=0)
    assert labels(victim) == labels(victims.build("bert-tiny", 3))
    assert all(parameter.requires_grad for parameter in victim.model.parameters())
    work = built(model=str(checkpoint), batch=1)
    assert check(work).equality.equal
    assert work.findings(again=False).victim == str(checkpoint)


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (("tokenizer*", "vocab*", "special*", "added*"), "tokenizer"),
        (("config.json",), "no config.json in it"),
        (("model.safetensors",), "the model can't be loaded"),
    ],
)
def test_a_checkpoint_that_lacks_something_is_told_in_a_line(
    checkpoint: Path, tmp_path: Path, lost: tuple[str, ...], said: str
) -> None:
    folder = tmp_path / "victim"
    shutil.copytree(checkpoint, folder)
    for pattern in lost:
        for file in folder.glob(pattern):
            file.unlink()
    with pytest.raises(AdapterError, match=said) as raised:
        victims.build(str(folder), seed=0)
    assert "\n" not in str(raised.value)
    assert str(folder) in str(raised.value)


def test_damaged_weights_are_told_in_a_line(checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "victim"
    shutil.copytree(checkpoint, folder)
    (folder / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(AdapterError, match="the model can't be loaded"):
        victims.build(str(folder), seed=0)


def test_a_victim_with_one_output_is_no_classifier(checkpoint: Path, tmp_path: Path) -> None:
    from transformers import BertConfig, BertForSequenceClassification

    shutil.copytree(checkpoint, tmp_path, dirs_exist_ok=True)
    config = BertConfig(**victims._TINY, num_labels=1)
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    with pytest.raises(AdapterError, match="one output"):
        victims.build(str(tmp_path), seed=0)


def test_a_name_that_is_nowhere_is_not_downloaded() -> None:
    with pytest.raises(AdapterError, match="nothing is downloaded unasked"):
        victims.build("nobody/nothing", seed=0)
