"""Vectors of words and sentences, and the likelihood of words, by our lexicon and by letters.

They stand in for networks that were learnt: for counter-fitted vectors, sentence encoders and
language models.
"""

from __future__ import annotations

import functools
import math
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from adapters.text import lexicon, sentences

if TYPE_CHECKING:
    import numpy

_WIDTH = 300
_OWN_PART = 0.3
"""What of a word's vector it does not share with its synonyms."""
_DIMENSIONS = 512
_LETTERS = 64
"""About as many as there are; a pair that was never seen has a chance of one in so many."""


def vectors(words: Sequence[str]) -> numpy.ndarray:
    """Vectors of length 1, (words, 300): those of synonyms have a cosine of 0.9, others about 0."""
    import numpy

    sums = {word: _OWN_PART * _drawn(f"word {word}") for word in words}
    for pos, groups in lexicon.groups().items():
        for group in groups:
            shared = _drawn(f"{pos} {group[0]}")
            for word in sums.keys() & set(group):
                sums[word] = sums[word] + shared
    matrix = numpy.stack([sums[word] for word in words])
    found: numpy.ndarray = matrix / numpy.linalg.norm(matrix, axis=1, keepdims=True)
    return found.astype("float32")


def _drawn(name: str) -> numpy.ndarray:
    import numpy

    random = numpy.random.RandomState(zlib.crc32(name.encode()))
    drawn: numpy.ndarray = random.standard_normal(_WIDTH)
    return drawn / float(numpy.linalg.norm(drawn))


def encoded(texts: Sequence[str]) -> numpy.ndarray:
    """Counts of letter pairs and triples, each in one of 512 places: (sentences, 512)."""
    import numpy

    found = numpy.zeros((len(texts), _DIMENSIONS), dtype="float32")
    for row, text in enumerate(texts):
        for gram, count in lexicon.grams(text).items():
            found[row, gram % _DIMENSIONS] += count
    return found


@functools.cache
def _pairs() -> tuple[Counter[str], Counter[str]]:
    """How often our sentences and our lexicon have a pair of letters, and its first one."""
    known = [*lexicon.words(), *(w for text in sentences.shipped() for w in text.lower().split())]
    spelt = [f" {word} " for word in known]
    pairs = Counter(word[i : i + 2] for word in spelt for i in range(len(word) - 1))
    return pairs, Counter(letter for word in spelt for letter in word[:-1])


def log_likelihood(word: str) -> float:
    """The mean logarithm of the chances of a word's letters, each after the one before."""
    pairs, firsts = _pairs()
    spelt = f" {word.lower()} "
    chances = [
        (pairs[spelt[i : i + 2]] + 1) / (firsts[spelt[i]] + _LETTERS) for i in range(len(spelt) - 1)
    ]
    return sum(map(math.log, chances)) / len(chances)
