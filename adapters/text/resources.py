"""The lexical resources that attacks on text load: the user's own, or stand-ins.

A folder of the user's is laid out as OpenAttack's own downloads, <folder>/<entry>/...; an entry
that is not there stands in, an entry that can't be read is an error, never a stand-in. What only
TextAttack loads has the name that its own downloads have.
"""

from __future__ import annotations

import contextlib
import json
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from adapters.base import AdapterError
from adapters.text import lexicon

SENTENCES = "TProcess.NLTKSentTokenizer"
TAGGER = "TProcess.NLTKPerceptronPosTagger"
WORDNET = "TProcess.NLTKWordNet"
HOWNET = "AttackAssist.HownetSubstituteDict"
ENCODER = "AttackAssist.UniversalSentenceEncoder"
MASKED = "bert-base-uncased"
"""The masked language model of BERTAttack and BAE, a folder that save_pretrained wrote."""
ROBERTA = "distilroberta-base"
"""That of CLARE."""
EMBEDDINGS = "word_embeddings/paragramcf"
STOP_WORDS = "corpora/stopwords"

STAND_INS = {
    SENTENCES: "an untrained Punkt tokenizer",
    TAGGER: "a tagger by our lexicon and by endings",
    WORDNET: "our lexicon's synonyms",
    HOWNET: "our lexicon's synonyms",
    ENCODER: "the cosine of letter pairs and triples",
    MASKED: "a network of random weights that prefers whole words",
    ROBERTA: "a network of random weights that prefers whole words",
    EMBEDDINGS: "vectors in which our lexicon's synonyms are near",
    STOP_WORDS: "our lexicon's function words",
}
STOOD_IN = "stand-in: "
"""How a resource that is none of the user's begins in the record."""


def where(entry: str, folder: Path | None) -> Path | None:
    """Where the user has an entry; None where a stand-in is used."""
    path = None if folder is None else folder / entry
    return path if path is not None and path.exists() else None


def told(entry: str, folder: Path | None) -> str:
    """What is used for an entry, in words."""
    path = where(entry, folder)
    return f"{STOOD_IN}{STAND_INS[entry]}" if path is None else str(path)


def provide(entries: Iterable[str], folder: Path | None) -> None:
    """Make OpenAttack's DataManager hand these entries out; it downloads nothing from then on.

    Args:
        entries: of sentences, tags and WordNet; others are let pass.
        folder: the user's, if there is one.

    Raises:
        AdapterError: an entry of the user's can't be read.
    """
    from OpenAttack import DataManager

    DataManager.setAutoDownload(False)
    for entry in _LOADERS.keys() & set(entries):
        found = loaded(entry, folder)
        # The path is checked before the object is handed out, so it must be there.
        DataManager.data_path[entry] = str(where(entry, folder) or Path(__file__).parent)
        DataManager.data_reference[entry] = found


def loaded(entry: str, folder: Path | None) -> Any:
    """What stands behind an entry of sentences, tags or WordNet.

    Raises:
        AdapterError: the user's can't be read.
    """
    path = where(entry, folder)
    if path is None:
        return _STAND_IN[entry]()
    with readable(entry, path):
        return _LOADERS[entry](str(path))


@contextlib.contextmanager
def readable(entry: str, path: Path) -> Iterator[None]:
    """Say in one line which entry can't be read.

    Raises:
        AdapterError: whatever went wrong in the block.
    """
    try:
        yield
    except Exception as error:  # each loader raises its own kinds
        said = " ".join(str(error).split())[:160]
        raise AdapterError(
            f"resource {entry}: {path} can't be read ({type(error).__name__}: {said}); mend it, or"
            " move it away and a stand-in is used"
        ) from error


def _sentences(folder: str) -> Callable[[str], list[str]]:
    """OpenAttack's pickled Punkt model, or nltk's newer folder of tables."""
    from nltk.data import FileSystemPathPointer
    from nltk.tokenize import punkt

    tokenize: Callable[[str], list[str]]
    if Path(folder, "collocations.tab").is_file():
        tokenizer = punkt.PunktSentenceTokenizer()
        _allow_nltk(folder)
        tokenizer._params = punkt.load_punkt_params(FileSystemPathPointer(folder))
        tokenize = tokenizer.tokenize
    else:
        tokenize = _unpickled(Path(folder, "english.pickle")).tokenize
    tokenize("One. Two.")
    return tokenize


def _allow_nltk(folder: str) -> None:
    """nltk reads files of its own data folders only, so this one becomes one of them."""
    import nltk

    if folder not in nltk.data.path:
        nltk.data.path.append(folder)


def _tagger(folder: str) -> Callable[[list[str]], list[tuple[str, str]]]:
    """OpenAttack's pickled tagger, or nltk's newer folder of JSON files."""
    from nltk.tag import PerceptronTagger

    tagger = PerceptronTagger(load=False)
    newer = list(Path(folder).glob("*.weights.json"))
    if newer:
        stem = newer[0].name.removesuffix("weights.json")
        weights, tags, classes = (
            json.loads(Path(folder, f"{stem}{part}.json").read_text(encoding="utf-8"))
            for part in ("weights", "tagdict", "classes")
        )
    else:
        weights, tags, classes = _unpickled(Path(folder, "averaged_perceptron_tagger.pickle"))
    tagger.model.weights, tagger.tagdict, tagger.classes = weights, tags, set(classes)
    tagger.model.classes = tagger.classes
    tagger.tag(["one", "word"])
    found: Callable[[list[str]], list[tuple[str, str]]] = tagger.tag
    return found


def _wordnet(folder: str) -> Any:
    """WordNet's own files."""
    import nltk

    _allow_nltk(folder)
    found = nltk.corpus.WordNetCorpusReader(folder, None)
    found.synsets("good", pos="a")
    return found


def hownet(folder: Path | None) -> dict[str, dict[str, list[str]]]:
    """For each word and part of speech, the words it may be exchanged for.

    Raises:
        AdapterError: the user's table can't be read.
    """
    path = where(HOWNET, folder)
    if path is None:
        return lexicon.synonyms()
    with readable(HOWNET, path):
        return table(path / "hownet_candidate" / "hownet_candidate.pkl")


def table(path: Path) -> dict[str, Any]:
    """A table of words, out of a pickle of the user's."""
    found = _unpickled(path)
    if not isinstance(found, dict):
        raise TypeError(f"it holds a {type(found).__name__}, not a table of words")
    return found


class _OnlyTables(pickle.Unpickler):
    """Reads tables and Punkt models out of the user's pickles, and nothing that runs code."""

    _ALLOWED: ClassVar[Mapping[str, str]] = {
        "builtins": "set int object",
        "__builtin__": "set int object",
        "collections": "defaultdict",
        "copyreg": "_reconstructor",
        "copy_reg": "_reconstructor",
        "nltk.tokenize.punkt": (
            "PunktSentenceTokenizer PunktParameters PunktLanguageVars PunktToken"
        ),
    }

    def find_class(self, module: str, name: str) -> Any:
        if name in self._ALLOWED.get(module, "").split():
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it names {module}.{name}, which no table needs")


def _unpickled(path: Path) -> Any:
    with path.open("rb") as file:
        return _OnlyTables(file).load()


_LOADERS: dict[str, Callable[[str], Any]] = {
    SENTENCES: _sentences,
    TAGGER: _tagger,
    WORDNET: _wordnet,
}
_STAND_IN: dict[str, Callable[[], Any]] = {
    SENTENCES: lambda: lexicon.split_into_sentences,
    TAGGER: lexicon.tagger,
    WORDNET: lexicon.WordNet,
}
