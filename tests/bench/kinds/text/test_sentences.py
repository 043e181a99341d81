"""What users give to attacks on text: sentences, victims, resources; good, damaged and missing."""

from __future__ import annotations

import json
import pickle
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters import registry
from adapters.base import AdapterError
from adapters.text import lexicon, resources, sentences, victims, vocabulary
from adapters.text.base import TextAdapter, TextSettings
from bench.cases import BASELINE, SEMI_BACKWARD, Comparison
from bench.kinds.text import building
from bench.kinds.text.findings import TextFindings
from bench.worker.checks import check
from tests.cases import text_case


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    registry.get("openattack").load()


def built(**changes: Any) -> building.TextWorkload:
    asked = text_case(**{"attack": "deepwordbug", "queries": 6, **changes})
    return building.build(Comparison(asked, SEMI_BACKWARD), seed=0)


# Sentences


def test_fifty_sentences_are_shipped() -> None:
    found = sentences.read(sentences.SHIPPED)
    assert [sentence.line for sentence in found] == list(range(1, 51))
    assert len({sentence.text for sentence in found}) == 50
    assert all(5 <= len(sentence.text.split()) <= 30 for sentence in found)
    assert all(sentence.text.isascii() and "\t" not in sentence.text for sentence in found)


def test_a_users_file_may_have_a_mark_and_windows_line_ends(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_bytes(b"\xef\xbb\xbfOne film.\r\n\r\n  Another one. \r\n")
    assert sentences.read(str(file)) == (
        sentences.Sentence(1, "One film."),
        sentences.Sentence(2, ""),
        sentences.Sentence(3, "Another one."),
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"caf\xe9\n", "no UTF-8"), (b"\n \n", "no sentence in it"), (None, "read")],
)
def test_a_file_of_no_use_is_told_in_a_line(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "mine.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(AdapterError, match=said) as raised:
        sentences.read(str(file))
    assert "mine.txt" in str(raised.value)


def test_empty_and_long_sentences_are_left_out_and_the_others_go_on(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("A warm film.\n\n" + "word " * 200 + "\nThe plot is dull.\n")
    work = built(sentences=str(file), batch=4)
    found = check(work)
    assert isinstance(found.findings, TextFindings)
    assert [(s.line, s.status) for s in found.findings.sentences] == [
        (1, "attacked"),
        (2, "left out"),
        (3, "left out"),
        (4, "attacked"),
    ]
    assert [warning for warning in found.warnings if "line 2" in warning and "empty" in warning]
    assert [warning for warning in found.warnings if "line 3" in warning and "reads 126" in warning]
    assert work.run(BASELINE, lambda run: True, part=1)
    with pytest.raises(IndexError):
        work.run(BASELINE, lambda run: True, part=2)


def test_a_sentence_at_which_the_library_fails_is_told_and_the_others_go_on() -> None:
    work = built(batch=3)
    attacker = type(work.attacks[BASELINE].attacker)
    whole = attacker.attack

    def attack(self: Any, victim: Any, sentence: str, goal: Any) -> Any:
        if sentence == work.sentences[1].text:
            raise RuntimeError("Sent 3 != Gradient 2")
        return whole(self, victim, sentence, goal)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attacker, "attack", attack)
        found = check(work)
    assert found.equality.equal
    assert isinstance(found.findings, TextFindings)
    assert [s.status for s in found.findings.sentences] == ["attacked", "failed", "attacked"]
    assert found.findings.sentences[1].reason == "RuntimeError: Sent 3 != Gradient 2"
    assert any("line 2" in warning for warning in found.warnings)
    assert [s.line for s in work._working()] == [1, 3], "blocks number those that work"


def test_a_variant_that_makes_another_sentence_is_unequal() -> None:
    """Here its attack is another one."""
    work, other = built(attack="textfooler", queries=None), built(attack="uat")
    attacks = {BASELINE: work.attacks[BASELINE], SEMI_BACKWARD: other.attacks[SEMI_BACKWARD]}
    found = check(replace(work, attacks=attacks))
    assert not found.equality.equal
    assert found.unequal is not None
    assert found.unequal.startswith(
        "semi-backward gives other adversarial sentences than original: at line 1: '"
    )
    assert " queries against " in found.unequal


def test_no_sentence_left_ends_the_case(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("word " * 200)
    with pytest.raises(AdapterError, match="no sentence to attack; at line 1: it has"):
        built(sentences=str(file))


# The lexicon and the vocabulary


def test_the_lexicon_knows_the_shipped_sentences() -> None:
    known = lexicon.synonyms()
    for text in sentences.shipped():
        words = text.lower().strip(".").replace(",", "").split()
        assert sum(word in known for word in words) >= 2, text
    for word, by_pos in known.items():
        assert word.isalpha()
        assert word.islower()
        for others in by_pos.values():
            assert word not in others
            assert len(set(others)) == len(others) >= 2


def test_the_stand_in_for_wordnet_answers_like_it() -> None:
    word = lexicon.groups()["adj"][0][0]
    names = {lemma.name() for s in lexicon.WordNet().synsets(word, pos="a") for lemma in s.lemmas()}
    assert names == {word, *lexicon.synonyms()[word]["adj"]}
    assert lexicon.WordNet().synsets("zzz", pos="n") == []


def test_the_stand_in_tagger_speaks_penn() -> None:
    tagged = lexicon.tagger()(["the", "film", "is", "painfully", "boring", "zzz", "."])
    assert [word for word, _ in tagged] == ["the", "film", "is", "painfully", "boring", "zzz", "."]
    assert [tag[:2] for _, tag in tagged] == ["DT", "NN", "VB", "RB", "JJ", "NN", "."]


def test_the_stand_in_encoder_is_a_cosine() -> None:
    assert lexicon.similarity("A good film.", "a good film") == pytest.approx(1)
    near, far = (lexicon.similarity("a good film", text) for text in ("a good plot", "xyz"))
    assert 0 <= far < near < 1
    assert lexicon.similarity("", "good") == 0
    assert lexicon.similarity("", "!") == pytest.approx(1), "nothing but blanks"


def test_a_vocabulary_has_its_size_and_leaves_no_word_unknown() -> None:
    for size in (4096, 30522):
        pieces = vocabulary.pieces(size)
        assert len(set(pieces)) == len(pieces) == size
        assert tuple(pieces[:5]) == vocabulary.SPECIAL
    tokenizer = vocabulary.tokenizer(4096)
    for text in (*sentences.shipped(), "Quixotic zeitgeist, 1984!"):
        assert tokenizer.unk_token not in tokenizer.tokenize(text)
    assert tokenizer.tokenize("film") == ["film"]


# Victims


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
    assert work.findings().victim == str(checkpoint)


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


# Resources


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
