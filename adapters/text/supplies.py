"""What TextAttack's recipes download, handed to them: the user's own, or stand-ins.

Nothing here imports TextAttack but inside a call.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from adapters.text import lexicon, resources
from adapters.text.likeness import encoded, log_likelihood, vectors
from adapters.text.resources import (
    EMBEDDINGS,
    ENCODER,
    STOOD_IN,
    STOP_WORDS,
    TAGGER,
    WORDNET,
)

if TYPE_CHECKING:
    import numpy

FLAIR = "flair's upos-fast"
NAMES = "flair's ner"
SENTENCE_BERT = "stsb-distilbert-base"
GPT2 = "gpt2"
WRITING = "learning-to-write"
GOOGLE = "alzantot-goog-lm"
ONLY_STAND_INS = {
    FLAIR: resources.STAND_INS[TAGGER],
    NAMES: "TextAttack's lists of names and places",
    SENTENCE_BERT: resources.STAND_INS[ENCODER],
    GPT2: "the likelihood of a word's letters",
    WRITING: "the likelihood of a word's letters",
    GOOGLE: "the likelihood of a word's letters",
}
"""What no folder of the user's is read for."""

_NEIGHBOURS = 100

_UNIVERSAL = {
    "N": "NOUN",
    "V": "VERB",
    "MD": "VERB",
    "J": "ADJ",
    "RB": "ADV",
    "RP": "PRT",
    "R": "ADV",
    "TO": "PRT",
    "PO": "PRT",
    "PR": "PRON",
    "PDT": "DET",
    "WDT": "DET",
    "DT": "DET",
    "EX": "DET",
    "WRB": "ADV",
    "WP": "PRON",
    "IN": "ADP",
    "CC": "CONJ",
    "CD": "NUM",
    "FW": "X",
    "LS": "X",
    "SYM": "X",
    "UH": "X",
}
"""Universal tags by how those of the Penn Treebank begin; the longest beginning counts."""
_FLAIR = {"CONJ": "CCONJ", "PRT": "PART", ".": "PUNCT"}
"""Where flair's tags are called otherwise."""


def told(entry: str, folder: Path | None) -> str:
    """What is used for an entry, in words."""
    own = resources.where(TAGGER, folder) if entry == FLAIR else None
    if own is not None:
        return f"{STOOD_IN}{own}"
    if entry in ONLY_STAND_INS:
        return f"{STOOD_IN}{ONLY_STAND_INS[entry]}"
    return resources.told(entry, folder)


class StopWords:
    """Stands for `nltk.corpus.stopwords`, which TextAttack asks for while it is imported."""

    def __init__(self) -> None:
        self._words = lexicon.function_words()

    def read(self, folder: Path | None) -> None:
        """Take the user's from now on, a word on each line, or the stand-in.

        Raises:
            AdapterError: the user's can't be read.
        """
        path = resources.where(STOP_WORDS, folder)
        if path is None:
            self._words = lexicon.function_words()
            return
        with resources.readable(STOP_WORDS, path):
            self._words = (path / "english").read_text(encoding="utf-8").split()

    def words(self, language: str) -> list[str]:
        """Words of English that are never exchanged."""
        if language != "english":
            raise LookupError(f"there are no stop words of {language} here")
        return self._words


def provide(entries: Iterable[str], folder: Path | None) -> None:
    """Make TextAttack find these entries; those that belong to a network are let pass.

    Raises:
        AdapterError: an entry of the user's can't be read.
    """
    wanted = set(entries)
    if {TAGGER, FLAIR} & wanted:
        _provide_tags(folder)
    if NAMES in wanted:
        _flair_taggers()["ner"] = _Labels("ner", _names)
    if WORDNET in wanted:
        module = _module("transformations.word_swaps.word_swap_wordnet")
        module.nltk = SimpleNamespace(download=lambda name: True)
        module.wordnet = _WordNet(resources.loaded(WORDNET, folder))
    if EMBEDDINGS in wanted:
        shared = _module("shared.utils")
        shared.GLOBAL_OBJECTS["textattack_counterfitted_GLOVE_embedding"] = _embedding(folder)
    if ENCODER in wanted:
        within = "constraints.semantics.sentence_encoders.universal_sentence_encoder"
        module = _module(f"{within}.universal_sentence_encoder")
        encoder = _encoder(folder)
        module.hub = SimpleNamespace(load=lambda url: encoder)
    if SENTENCE_BERT in wanted:
        module = _module("constraints.semantics.sentence_encoders.sentence_bert.sbert")
        module.sentence_transformers = SimpleNamespace(SentenceTransformer=_SentenceBert)
    within = "constraints.grammaticality.language_models"
    if WRITING in wanted:
        _module(f"{within}.learning_to_write.learning_to_write").QueryHandler = _Writing
    if GOOGLE in wanted:
        _module(f"{within}.google_language_model.google_language_model").GoogLMHelper = _Google


def _module(name: str) -> Any:
    return importlib.import_module(f"textattack.{name}")


def _provide_tags(folder: Path | None) -> None:
    """To TextAttack's constraint, which asks nltk, and to its words, which ask flair."""
    tag = resources.loaded(TAGGER, folder)

    def universal(words: Sequence[str], **_: Any) -> list[tuple[str, str]]:
        return [(word, _universal(penn)) for word, penn in tag(list(words))]

    def flair(words: Sequence[str]) -> list[str]:
        return [_FLAIR.get(tag, tag) for _, tag in universal(words)]

    constraint = _module("constraints.grammaticality.part_of_speech")
    constraint.nltk = SimpleNamespace(pos_tag=universal)
    _flair_taggers()["upos-fast"] = _Labels("upos", flair)


def _universal(penn: str) -> str:
    for length in (3, 2, 1):
        if penn[:length] in _UNIVERSAL:
            return _UNIVERSAL[penn[:length]]
    return "."


def _flair_taggers() -> dict[str, Any]:
    """TextAttack's own table of taggers that are loaded."""
    found: dict[str, Any] = _module("shared.utils.strings")._flair_taggers
    return found


class _Labels:
    """Stands for flair's SequenceTagger."""

    def __init__(self, kind: str, tags: Any) -> None:
        self._kind, self._tags = kind, tags

    def predict(self, sentence: Any, **_: Any) -> None:
        for token, tag in zip(
            sentence.tokens, self._tags([token.text for token in sentence.tokens]), strict=True
        ):
            token.add_label(self._kind, tag)


def _names(words: Sequence[str]) -> list[str]:
    """ "S-PER" and "S-LOC" of names that begin with a capital, "O" of all else."""
    data = _module("shared.data")
    people = {name for key in ("first", "last") for name in data.PERSON_NAMES[key]}
    places = {name for key in ("country", "city") for name in data.NAMED_ENTITIES[key]}
    return ["S-LOC" if word in places else "S-PER" if word in people else "O" for word in words]


class _WordNet:
    """As much of nltk's WordNet as TextAttack asks for, over what OpenAttack asks for."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def langs(self) -> list[str]:
        return ["eng"]

    def synsets(self, word: str, lang: str) -> list[Any]:
        found = [synset for pos in "nvar" for synset in self._reader.synsets(word, pos=pos)]
        return [_Names([lemma.name() for lemma in synset.lemmas()]) for synset in found]


class _Names:
    def __init__(self, names: list[str]) -> None:
        self._names = names

    def lemma_names(self, lang: str) -> list[str]:
        return self._names


def _embedding(folder: Path | None) -> Any:
    """Counter-fitted vectors, or some in which the lexicon's synonyms are near."""
    import numpy

    path = resources.where(EMBEDDINGS, folder)
    if path is None:
        words = lexicon.words()
        indices = {word: number for number, word in enumerate(words)}
        return _word_embedding(vectors(words), indices, None)
    with resources.readable(EMBEDDINGS, path):
        matrix = numpy.load(path / "paragram.npy", allow_pickle=False)
        nearest = numpy.load(path / "nn.npy", allow_pickle=False)
        return _word_embedding(matrix, resources.table(path / "wordlist.pickle"), nearest)


def _word_embedding(matrix: numpy.ndarray, indices: Mapping[str, int], nearest: Any) -> Any:
    import numpy

    if nearest is None:
        squares = (matrix**2).sum(1)
        distances = squares[:, None] + squares[None] - 2 * matrix @ matrix.T
        numpy.fill_diagonal(distances, -1)  # a word is its own first neighbour
        nearest = distances.argsort(axis=1, kind="stable")[:, : _NEIGHBOURS + 1]
    names = {number: word for word, number in indices.items()}
    return _module("shared").WordEmbedding(matrix, dict(indices), names, nearest)


def _encoder(folder: Path | None) -> Any:
    """Sentences to what has their vectors as `.numpy()`."""
    path = resources.where(ENCODER, folder)
    if path is None:
        return lambda texts: SimpleNamespace(numpy=lambda: encoded(texts))
    with resources.readable(ENCODER, path):
        return importlib.import_module("tensorflow_hub").load(str(path))


class _SentenceBert:
    def __init__(self, name: str) -> None:
        """Loads nothing."""

    def to(self, device: Any) -> _SentenceBert:
        return self

    def encode(self, texts: Sequence[str]) -> numpy.ndarray:
        return encoded(texts)


class _Writing:
    """Stands for the network of "Learning to Write"."""

    @staticmethod
    def load_model(*_: Any) -> _Writing:
        return _Writing()

    def query(self, contexts: Sequence[Any], words: Sequence[str]) -> list[float]:
        return [log_likelihood(word) for word in words]


class _Google:
    """Stands for the language model of a billion words."""

    def clear_cache(self) -> None:
        """Keeps none."""

    def get_words_probs(self, prefix: str, words: Sequence[str]) -> list[float]:
        return [log_likelihood(word) for word in words]


def gpt2(**options: Any) -> Any:
    """Stands for TextAttack's constraint by GPT-2."""
    constraint = _module("constraints.grammaticality.language_models").LanguageModelConstraint

    class StandIn(constraint):  # type: ignore[misc,valid-type]
        def get_log_probs_at_index(self, texts: Sequence[Any], index: int) -> list[float]:
            return [log_likelihood(text.words[index]) for text in texts]

    return StandIn(**options)
