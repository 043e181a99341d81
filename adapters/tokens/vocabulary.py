"""A vocabulary of our own for language models with random weights; nothing is downloaded.

Nearly all its tokens are whole words, set apart by blanks, so that decoding ids and encoding the
text gives the same ids again, as libraries want that filter what does not.
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterator
from typing import Any

from adapters.text import lexicon
from adapters.tokens import prompts

UNKNOWN, BEGIN, END, PAD = "<unk>", "<s>", "</s>", "<pad>"
SPECIAL = (UNKNOWN, BEGIN, END, PAD)
CONTINUES = "##"
"""How a token begins that goes on with a word; unknown words are split into letters."""


def tokens(size: int) -> list[str]:
    """The first `size` tokens, the most useful first; their ids are their places."""
    found = dict.fromkeys(itertools.islice(_all(), 3 * size))
    return list(found)[:size]


def tokenizer(size: int) -> Any:
    """A fast tokenizer of transformers' over the first `size` tokens; it adds none of its own."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    ids = {token: place for place, token in enumerate(tokens(size))}
    made: Any = Tokenizer(
        models.WordPiece(ids, unk_token=UNKNOWN, continuing_subword_prefix=CONTINUES)
    )
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece(prefix=CONTINUES, cleanup=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        unk_token=UNKNOWN,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
    )


def _all() -> Iterator[str]:
    yield from SPECIAL
    characters = [c for c in string.printable if c.isprintable() and not c.isspace()]
    yield from characters
    yield from (f"{CONTINUES}{c}" for c in characters if c.isalnum())
    yield from sorted(_words_of_prompts())
    yield from sorted(lexicon.words())
    letters = string.ascii_lowercase
    yield from ("".join(pair) for pair in itertools.product(letters, repeat=2))
    yield from ("".join(triple) for triple in itertools.product(letters, repeat=3))


def _words_of_prompts() -> set[str]:
    split = str.maketrans(dict.fromkeys(string.punctuation, " "))
    texts = [
        part for prompt in prompts.read(prompts.SHIPPED) for part in (prompt.text, prompt.target)
    ]
    return {word for text in texts for word in text.translate(split).split()}
