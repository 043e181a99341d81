"""The lexicon and the vocabulary that stand in for what can't be downloaded."""

from __future__ import annotations

import pytest

from adapters.text import lexicon, sentences, vocabulary

pytestmark = pytest.mark.usefixtures("openattack")


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
