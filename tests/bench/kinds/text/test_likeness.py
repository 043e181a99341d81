"""What stands in for vectors of words, sentence encoders and language models."""

from __future__ import annotations

import numpy
import pytest

from adapters.text import lexicon, likeness


def test_vectors_of_synonyms_are_near_and_of_others_far() -> None:
    group, other = lexicon.groups()["adj"][:2]
    words = [group[0], group[1], other[0], "the"]
    vectors = likeness.vectors(words)
    assert numpy.linalg.norm(vectors, axis=1) == pytest.approx(1)
    cosines = vectors @ vectors.T
    assert cosines[0, 1] > 0.8, "what HotFlip asks for"
    assert numpy.abs(cosines[0, 2:]).max() < 0.5, "what TextFooler asks for"
    assert (likeness.vectors(words) == vectors).all()


def test_encodings_have_the_cosine_of_letters() -> None:
    texts = ["a good film", "a good plot", "xyz"]
    first, *others = likeness.encoded(texts)
    for text, other in zip(texts[1:], others, strict=True):
        cosine = first @ other / numpy.linalg.norm(first) / numpy.linalg.norm(other)
        assert cosine == pytest.approx(lexicon.similarity(texts[0], text), abs=0.1)


def test_words_are_likelier_than_letters_thrown_together() -> None:
    assert likeness.log_likelihood("film") > likeness.log_likelihood("Fmli")
    assert likeness.log_likelihood("zzz") < 0
