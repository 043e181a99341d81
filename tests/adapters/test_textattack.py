"""TextAttack's adapter beyond the table: what is mended, what is told it, and what it fetches."""

from __future__ import annotations

import importlib
import os
import pickle
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from adapters import registry
from adapters.base import AdapterError, UnsupportedSettings
from adapters.text import resources, sentences, supplies, victims
from adapters.text.base import TextAdapter, TextAttack, TextSettings
from adapters.text.queries import Ledger
from adapters.text.victims import Victim

pytestmark = pytest.mark.layer("textattack")

ADAPTER = registry.get("textattack")
assert isinstance(ADAPTER, TextAdapter)
WORKING = [name for name, info in ADAPTER.attacks().items() if info.fault is None]
BROKEN = [name for name in ADAPTER.attacks() if name not in WORKING]
SENTENCE = sentences.shipped()[0]


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    before = dict(os.environ)
    ADAPTER.load()
    moved = {name for name in ("TA_CACHE_DIR", "HF_HOME", "XDG_CACHE_HOME") if name in os.environ}
    assert moved <= set(before)


@pytest.fixture(scope="module")
def victim() -> Victim:
    return victims.build("bert-tiny", 0)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    supplies.provide(resources.STAND_INS, None)  # again, as TextAttack keeps what it is told


def asked(folder: Path | None = None) -> TextSettings:
    return TextSettings("cpu", 0, "bert-tiny", folder, forward_only=False)


def built(attack: str, victim: Victim, folder: Path | None = None) -> TextAttack:
    assert isinstance(ADAPTER, TextAdapter)
    return ADAPTER.build_on(attack, victim, asked(folder))


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize("attack", BROKEN)
def test_a_broken_recipe_fails_as_is_told(attack: str, victim: Victim) -> None:
    info = ADAPTER.attacks()[attack]
    module: Any = importlib.import_module(info.imported().__module__)
    kind, _, said = str(info.broken).partition(": ")
    with pytest.raises(FileNotFoundError, match=r"shared/intentional_homoglyphs\.txt") as raised:
        module.WordSwapHomoglyphSwap()
    assert kind == raised.typename
    assert "shared/intentional_homoglyphs.txt" in said
    with pytest.raises(UnsupportedSettings, match="broken upstream: FileNotFoundError"):
        built(attack, victim)


def test_nothing_is_fetched(victim: Victim, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("it reaches for the network")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    for attack in WORKING:
        with built(attack, victim).ready(Ledger(3)) as run:
            run(SENTENCE)


def test_hotflip_would_attack_textattacks_own_lstm_only(victim: Victim) -> None:
    from textattack.transformations import WordSwapGradientBased

    with pytest.raises(ValueError, match="Cannot perform GradientBasedWordSwap"):
        WordSwapGradientBased(built("hotflip", victim).classifier)


def test_hotflip_reads_the_gradient_at_the_first_piece_of_each_word(victim: Victim) -> None:
    from adapters.text.counted import ByWord

    wrapper = built("hotflip", victim).classifier
    text = "A quixotic plot."
    pieces = wrapper.tokenizer.convert_ids_to_tokens(wrapper.tokenizer(text)["input_ids"])
    firsts = [n for n, piece in enumerate(pieces) if piece[0].isalpha()]
    assert len(firsts) == 3 < len(pieces) - 3, "a word is of several pieces"
    torch.manual_seed(0)  # TextAttack puts the victim in training mode: dropout
    whole = wrapper.get_grad(text)
    torch.manual_seed(0)
    by_word = ByWord(wrapper).get_grad(text)
    assert (by_word["gradient"] == whole["gradient"][firsts]).all()
    assert by_word["ids"].tolist() == whole["ids"][0][firsts].tolist()


def test_hotflip_puts_no_piece_in_the_place_of_a_word(victim: Victim) -> None:
    from adapters.text.counted import ByWord

    tokenizer = ByWord(built("hotflip", victim).classifier).tokenizer
    numbers = tokenizer.convert_tokens_to_ids(["film", "##ly", "[UNK]"])
    assert [tokenizer.convert_id_to_word(number) for number in numbers] == ["film", "", ""]


@pytest.mark.parametrize("attack", ["inputreduction", "a2t"])
def test_the_label_costs_no_query(attack: str, victim: Victim) -> None:
    """The victim is asked once about the sentence: for the label, and for the attack's start."""
    found = built(attack, victim)
    seen: list[str] = []
    ledger = Ledger(None)
    with found.ready(ledger) as run:
        inner = found.classifier.record_invoke

        def watched(count: int, method: Any, texts: list[str]) -> Any:
            seen.extend(texts if method.__name__ == "get_prob" else ())
            return inner(count, method, texts)

        found.classifier.record_invoke = watched
        run(SENTENCE)
    assert seen.count(SENTENCE) == 1
    assert ledger.queries == len(seen) + ledger.gradient_queries


def test_resources_of_the_user_are_read(victim: Victim, folder: Path) -> None:
    put(folder / resources.STOP_WORDS / "english", b"a\ncharming\n")
    vectors = folder / resources.EMBEDDINGS
    put(vectors / "wordlist.pickle", pickle.dumps({"movie": 0, "flick": 1, "day": 2}, protocol=2))
    numpy.save(vectors / "paragram.npy", numpy.eye(3, dtype="float32"))
    numpy.save(vectors / "nn.npy", numpy.array([[0, 1, 2], [1, 0, 2], [2, 0, 1]]))
    found = built("iga", victim, folder)
    assert found.resources == {
        resources.STOP_WORDS: str(folder / resources.STOP_WORDS),
        resources.EMBEDDINGS: str(vectors),
    }
    attack = found.attacker.attack
    assert attack.transformation._get_replacement_words("Movie") == ["Flick", "Day"]
    assert attack.pre_transformation_constraints[0].stopwords == {"a", "charming"}


@pytest.mark.parametrize(
    ("attack", "entry", "file"),
    [
        ("iga", resources.STOP_WORDS, "french"),
        ("iga", resources.EMBEDDINGS, "wordlist.pickle"),
        ("textfooler", resources.ENCODER, "saved_model.pb"),
        ("bae", resources.MASKED, "config.json"),
        ("clare", resources.ROBERTA, "config.json"),
        ("pso", resources.HOWNET, "hownet_candidate/hownet_candidate.pkl"),
    ],
)
def test_what_is_there_and_damaged_is_no_stand_in(
    attack: str, entry: str, file: str, victim: Victim, folder: Path
) -> None:
    put(folder / entry / file, b"no such thing")
    with pytest.raises(AdapterError, match=f"resource {entry}.*can't be read"):
        built(attack, victim, folder)


def test_the_users_tagger_of_nltk_stands_in_for_flairs(victim: Victim, folder: Path) -> None:
    from textattack.shared import AttackedText

    path = folder / resources.TAGGER
    parts = {"weights": b"{}", "tagdict": b'{"movie": "CD"}', "classes": b'["NN", "CD"]'}
    for part, content in parts.items():
        put(path / f"mine.{part}.json", content)
    found = built("pso", victim, folder)
    assert found.resources[supplies.FLAIR] == f"{resources.STOOD_IN}{path}"
    assert AttackedText("a movie").pos_of_word_index(1) == "NUM"
    again = built("pso", victim)
    told = f"{resources.STOOD_IN}{resources.STAND_INS[resources.TAGGER]}"
    assert again.resources[supplies.FLAIR] == told
    assert AttackedText("a movie").pos_of_word_index(1) == "NOUN"


def test_names_and_words_are_tagged(victim: Victim) -> None:
    from textattack.shared import AttackedText

    built("checklist", victim)
    built("pso", victim)
    text = AttackedText("Mary found Germany dull and the plot painfully slow.")
    tags = [text.ner_of_word_index(n).value for n in range(4)]
    assert tags == ["S-PER", "O", "S-LOC", "O"]
    assert [text.pos_of_word_index(n) for n in (3, 6, 7)] == ["ADJ", "NOUN", "ADV"]
