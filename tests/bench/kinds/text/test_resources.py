"""Resources that users give to attacks on text: good, damaged and missing."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters import registry
from adapters.base import AdapterError
from adapters.text import lexicon, resources, victims
from adapters.text.base import TextAdapter, TextSettings
from bench.worker.checks import check
from tests.bench.kinds.text.workloads import built

pytestmark = pytest.mark.usefixtures("openattack")


class Folder:
    """A folder of the user's resources."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, entry: str, name: str, content: bytes) -> None:
        file = self.path / entry / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def provided(self, entry: str) -> Any:
        from OpenAttack import DataManager

        resources.provide([entry], self.path)
        return DataManager.load(entry)

    def read(self, entry: str) -> Any:
        if entry == resources.HOWNET:
            return resources.hownet(self.path)
        return self.provided(entry)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_stand_ins_say_that_they_are(folder: Folder) -> None:
    for entry in resources.STAND_INS:
        for where in (None, folder.path):
            assert resources.told(entry, where).startswith(resources.STOOD_IN)
    assert folder.provided(resources.SENTENCES)("One. Two.") == ["One.", "Two."]
    assert folder.provided(resources.WORDNET).synsets("zzz", pos="n") == []


def test_openattacks_pickled_punkt_is_read(folder: Folder) -> None:
    from nltk.tokenize.punkt import PunktSentenceTokenizer

    tokenizer = PunktSentenceTokenizer()
    tokenizer._params.abbrev_types.add("zzz")
    folder.put(resources.SENTENCES, "english.pickle", pickle.dumps(tokenizer))
    assert folder.provided(resources.SENTENCES)("A zzz. B.") == ["A zzz. B."]
    assert resources.told(resources.SENTENCES, folder.path) == str(
        folder.path / resources.SENTENCES
    )


def test_nltks_newer_punkt_is_read(folder: Folder) -> None:
    for name in ("collocations.tab", "sent_starters.txt", "ortho_context.tab"):
        folder.put(resources.SENTENCES, name, b"")
    folder.put(resources.SENTENCES, "abbrev_types.txt", b"zzz\n")
    assert folder.provided(resources.SENTENCES)("A zzz. B.") == ["A zzz. B."]


WEIGHTS: dict[str, dict[str, float]] = {"bias": {"JJ": 1.0}}
TAGS = {"film": "NN"}


def test_openattacks_pickled_tagger_is_read(folder: Folder) -> None:
    content = pickle.dumps((WEIGHTS, TAGS, {"NN", "JJ"}), protocol=2)
    folder.put(resources.TAGGER, "averaged_perceptron_tagger.pickle", content)
    tagged = folder.provided(resources.TAGGER)(["film", "blue"])
    assert tagged == [("film", "NN"), ("blue", "JJ")]


def test_nltks_newer_tagger_is_read(folder: Folder) -> None:
    stem = "averaged_perceptron_tagger_eng"
    for part, value in (("weights", WEIGHTS), ("tagdict", TAGS), ("classes", ["NN", "JJ"])):
        folder.put(resources.TAGGER, f"{stem}.{part}.json", json.dumps(value).encode())
    assert folder.provided(resources.TAGGER)(["blue"]) == [("blue", "JJ")]


def test_the_users_table_of_sememes_goes_before_ours(folder: Folder) -> None:
    table = {"film": {"noun": ["reel"]}}
    folder.put(resources.HOWNET, "hownet_candidate/hownet_candidate.pkl", pickle.dumps(table))
    assert resources.hownet(folder.path) == table
    assert resources.hownet(None) == lexicon.synonyms()


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("harm-was-done"),)


HOWNET_FILE = "hownet_candidate/hownet_candidate.pkl"


@pytest.mark.parametrize(
    ("entry", "name", "content"),
    [
        (resources.SENTENCES, "english.pickle", b"garbage"),
        (resources.SENTENCES, "english.pickle", pickle.dumps(Harmful())),
        (resources.TAGGER, "averaged_perceptron_tagger.pickle", b""),
        (resources.TAGGER, "averaged_perceptron_tagger.pickle", pickle.dumps(Harmful())),
        (resources.TAGGER, "x.weights.json", b"{"),
        (resources.WORDNET, "data.noun", b"garbage"),
        (resources.HOWNET, HOWNET_FILE, b"\x80"),
        (resources.HOWNET, HOWNET_FILE, pickle.dumps(["no", "table"])),
        (resources.HOWNET, HOWNET_FILE, pickle.dumps(Harmful())),
    ],
)
def test_a_damaged_resource_is_told_and_nothing_stands_in(
    folder: Folder,
    entry: str,
    name: str,
    content: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder.path)
    folder.put(entry, name, content)
    with pytest.raises(AdapterError, match="can't be read") as raised:
        folder.read(entry)
    said = str(raised.value)
    assert entry in said
    assert "a stand-in is used" in said
    assert "\n" not in said
    assert not Path("harm-was-done").exists()


def build(attack: str, where: Path) -> Any:
    adapter = registry.get("openattack")
    assert isinstance(adapter, TextAdapter)
    settings = TextSettings("cpu", 0, "bert-tiny", where, forward_only=False)
    return adapter.build_on(attack, victims.build("bert-tiny", 0), settings)


def test_the_users_masked_language_model_goes_before_ours(folder: Folder) -> None:
    model, tokenizer = victims.masked_language_model("bert-tiny", seed=7)
    place = folder.path / resources.MASKED
    model.save_pretrained(place)
    tokenizer.save_pretrained(place)
    attack = build("bertattack", folder.path)
    assert attack.resources == {resources.MASKED: str(place)}
    assert torch.equal(next(attack.networks[1].parameters()), next(model.parameters()))
    (place / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(AdapterError, match=r"bert-base-uncased.*can't be read"):
        build("bertattack", folder.path)


def test_a_sentence_encoder_without_its_library_is_told(folder: Folder) -> None:
    folder.put(resources.ENCODER, "usencoder/saved_model.pb", b"")
    with pytest.raises(AdapterError, match="tensorflow_hub"):
        build("textfooler", folder.path)


def test_a_damaged_resource_costs_only_the_attacks_that_need_it(folder: Folder) -> None:
    folder.put(resources.WORDNET, "data.noun", b"garbage")
    where = str(folder.path)
    with pytest.raises(AdapterError, match="NLTKWordNet"):
        built(attack="pwws", resources=where)
    assert check(built(attack="viper", resources=where)).equality.equal
