"""A WordPiece vocabulary of our own, for victims with random weights.

It has the size of the one it stands in for, and splits unknown words into letters, pairs and
triples, as those that were learnt do.
"""

from __future__ import annotations

import itertools
import string
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapters.text import lexicon, sentences

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_SUFFIXES = ("s", "es", "ed", "ing", "ly", "er", "est", "ness", "ment", "less", "ful", "tion")
_LETTERS = string.ascii_lowercase


def pieces(size: int) -> list[str]:
    """The first `size` word pieces, the most useful first."""
    found = dict.fromkeys(itertools.islice(_all(), 3 * size))
    return list(found)[:size]


def whole_words() -> set[str]:
    """The pieces that are words of the lexicon or of our sentences."""
    return {*lexicon.words(), *_words_of_sentences()}


def tokenizer(size: int) -> Any:
    """An uncased `transformers.BertTokenizer` over the first `size` pieces."""
    from transformers import BertTokenizer

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "vocab.txt")
        file.write_text("\n".join(pieces(size)) + "\n", encoding="utf-8")
        return BertTokenizer.from_pretrained(folder)


def _all() -> Iterator[str]:
    yield from SPECIAL
    characters = [c for c in string.printable if c.isprintable() and not c.isspace()]
    yield from (c for c in characters if c not in string.ascii_uppercase)
    yield from (f"##{c}" for c in (*_LETTERS, *string.digits))
    yield from sorted(whole_words())
    yield from (f"##{suffix}" for suffix in _SUFFIXES)
    pairs = ["".join(pair) for pair in itertools.product(_LETTERS, repeat=2)]
    yield from (f"##{pair}" for pair in pairs)
    yield from pairs
    triples = ("".join(triple) for triple in itertools.product(_LETTERS, repeat=3))
    for triple in triples:
        yield f"##{triple}"
        yield triple


def _words_of_sentences() -> set[str]:
    split = str.maketrans(dict.fromkeys(string.punctuation, " "))
    return {word for text in sentences.shipped() for word in text.lower().translate(split).split()}
