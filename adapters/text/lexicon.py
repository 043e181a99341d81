"""A small English lexicon of our own, behind the interfaces of the resources it stands in for.

It stands in for WordNet, HowNet, a tagger and a sentence encoder where the user has none of them.
Attacks find fewer and other words with it than with the real ones; what a query costs is the same.
"""

from __future__ import annotations

import functools
import math
import re
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FILE = Path(__file__).resolve().parent / "data" / "synonyms.toml"
_WORDNET = {"n": "noun", "v": "verb", "a": "adj", "s": "adj", "r": "adv"}
_PENN = {"noun": "NN", "verb": "VB", "adj": "JJ", "adv": "RB"}
_FUNCTION_WORDS = {
    "DT": "a an the this that these those every each no some any all both",
    "IN": "of in on at by for with from into about against between through after before under over"
    " than as if because while although though without within across among like until upon",
    "PRP": "i you he she it we they me him her us them itself himself herself themselves nobody"
    " nothing everything something everyone anyone",
    "PRP$": "my your his its our their",
    "CC": "and or but nor yet so",
    "TO": "to",
    "MD": "can could will would shall should may might must",
    "VBZ": "is has does",
    "VBD": "was were had did",
    "VBP": "are am have do be been being",
    "WDT": "which who whom whose what when where why how",
    "RB": "not never too very only even just more most less almost ever still again",
}
_ENDINGS = [
    (r".*ly$", "RB"),
    (r".*(ing|ed|ize|ise)$", "VB"),
    (r".*(ous|ful|less|able|ible|ive|al|ic|ish|ary)$", "JJ"),
    (r"^\W+$", "."),
    (r".*", "NN"),
]
"""For words the lexicon does not know, the last resort a noun."""
_GRAMS = (2, 3)


@functools.cache
def groups() -> dict[str, tuple[tuple[str, ...], ...]]:
    """Interchangeable words, by part of speech: "noun", "verb", "adj" and "adv"."""
    with _FILE.open("rb") as file:
        found = tomllib.load(file)
    return {pos: tuple(tuple(group) for group in found[pos]) for pos in _PENN}


@functools.cache
def synonyms() -> dict[str, dict[str, list[str]]]:
    """For each word and part of speech, the words it may be exchanged for; as HowNet's table."""
    table: dict[str, dict[str, list[str]]] = {}
    for pos, sets in groups().items():
        for group in sets:
            for word in group:
                others = table.setdefault(word, {}).setdefault(pos, [])
                others += [other for other in group if other != word and other not in others]
    return table


@functools.cache
def words() -> tuple[str, ...]:
    """Every word it knows, function words included, each once, in a fixed order."""
    content = [word for sets in groups().values() for group in sets for word in group]
    return tuple(dict.fromkeys([*function_words(), *content]))


def function_words() -> list[str]:
    """Words that bear no meaning of their own, as lists of stop words have."""
    return [word for line in _FUNCTION_WORDS.values() for word in line.split()]


@dataclass(frozen=True)
class Lemma:
    """A word of a `Synset`, as WordNet's lemmas."""

    word: str

    def name(self) -> str:
        return self.word


@dataclass(frozen=True)
class Synset:
    """A group of interchangeable words, as WordNet's synsets."""

    members: tuple[str, ...]

    def lemmas(self) -> list[Lemma]:
        return [Lemma(word) for word in self.members]


class WordNet:
    """As much of nltk's WordNet reader as OpenAttack asks for."""

    def synsets(self, word: str, pos: str) -> list[Synset]:
        """The groups a word is in.

        Args:
            word: in lower case.
            pos: "n", "v", "a" or "r".
        """
        return [Synset(group) for group in groups()[_WORDNET[pos]] if word in group]


def split_into_sentences(text: str) -> list[str]:
    """By an untrained Punkt tokenizer."""
    import nltk

    found: list[str] = nltk.tokenize.punkt.PunktSentenceTokenizer().tokenize(text)
    return found


@functools.cache
def tagger() -> Callable[[Sequence[str]], list[tuple[str, str]]]:
    """Words to (word, Penn Treebank tag) pairs: by the lexicon, else by their ending."""
    import nltk

    model: dict[str, str] = {}
    for pos in ("adv", "adj", "verb", "noun"):  # the later ones win
        model |= {word: _PENN[pos] for group in groups()[pos] for word in group}
    for tag, line in _FUNCTION_WORDS.items():
        model |= dict.fromkeys(line.split(), tag)
    ending = nltk.RegexpTagger(_ENDINGS)
    found: Callable[[Sequence[str]], list[tuple[str, str]]] = nltk.UnigramTagger(
        model=model, backoff=ending
    ).tag
    return found


def similarity(first: str, second: str) -> float:
    """Cosine of two sentences' counts of letter pairs and triples, in [0, 1]."""
    one, two = grams(first), grams(second)
    dot = sum(count * two[gram] for gram, count in one.items())
    norm = math.sqrt(sum(c * c for c in one.values()) * sum(c * c for c in two.values()))
    return dot / norm  # even an empty sentence has a pair: the blanks around it


def grams(text: str) -> Counter[int]:
    """How often a sentence has each pair and triple of letters, by their checksums."""
    text = f" {' '.join(re.findall(r'[a-z0-9]+', text.lower()))} "
    spans = (text[i : i + n] for n in _GRAMS for i in range(len(text) - n + 1))
    return Counter(zlib.crc32(span.encode()) for span in spans)
