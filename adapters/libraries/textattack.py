"""TextAttack: its recipes, each as it is shipped, against sentence classifiers of transformers.

Its queries are forward passes under `no_grad`. Those recipes that read gradients call `get_grad`,
which makes two forward passes with a graph and then a full backward pass.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from adapters.base import AttackInfo
from adapters.text import resources, supplies, victims
from adapters.text.base import TextAdapter, TextAttack, TextSettings
from adapters.text.recipes import Recipe
from adapters.text.replacing import Loads, replaced
from adapters.text.resources import (
    EMBEDDINGS,
    ENCODER,
    HOWNET,
    MASKED,
    ROBERTA,
    STOP_WORDS,
    TAGGER,
    WORDNET,
)
from adapters.text.supplies import FLAIR, GOOGLE, GPT2, NAMES, SENTENCE_BERT, WRITING
from adapters.text.victims import Victim

_LONGEST = 10**6
"""Of more tokens no model reads; TextAttack pads each query to what its tokenizer says."""
_BY_GRADIENT = "two forward passes for each gradient; queries are forward passes under no_grad"
_BY_QUERIES = "queries are forward passes under no_grad: freezing gains nothing"
_STOPS = (STOP_WORDS,)
_FILLERS = (MASKED, ROBERTA)
_NEEDS: dict[str, tuple[str, ...]] = {
    "a2t": (*_STOPS, TAGGER, SENTENCE_BERT, EMBEDDINGS),
    "badcharacters": (),  # broken upstream, as textbugger is
    "bae": (*_STOPS, TAGGER, ENCODER, MASKED),
    "bertattack": (*_STOPS, ENCODER, MASKED),
    "checklist": (NAMES,),
    "clare": (*_STOPS, FLAIR, ENCODER, ROBERTA),
    "deepwordbug": _STOPS,
    "fastgenetic": (*_STOPS, EMBEDDINGS, WRITING),
    "genetic": (*_STOPS, EMBEDDINGS, GOOGLE),
    "hotflip": (*_STOPS, EMBEDDINGS, TAGGER),
    "iga": (*_STOPS, EMBEDDINGS),
    "inputreduction": _STOPS,
    "kuleshov": (*_STOPS, EMBEDDINGS, GPT2),
    "leap": (*_STOPS, WORDNET),
    "pruthi": _STOPS,
    "pso": (*_STOPS, FLAIR, HOWNET),
    "pwws": (*_STOPS, WORDNET),
    "textbugger": (*_STOPS, EMBEDDINGS, ENCODER),
    "textfooler": (EMBEDDINGS, TAGGER, ENCODER),
}
"""Lexical resources and networks of each recipe."""


_NO_LOOKALIKES = (
    "FileNotFoundError: No such file or directory: 'textattack/shared/intentional_homoglyphs.txt',"
    " which its packages leave out"
)


def _of(recipe: str, norm: str, *, reads: bool = False, broken: str | None = None) -> AttackInfo:
    return AttackInfo(
        norm=norm,
        access="white-box" if reads else "black-box",
        default_steps=1,
        source=f"textattack.attack_recipes.{recipe}",
        gradient_call="backward" if reads else "none",
        extra_work=_BY_GRADIENT if reads else _BY_QUERIES,
        broken=broken,
    )


class Textattack(TextAdapter):
    """TextAttack 0.3.11."""

    name = "textattack"
    distribution = "textattack"
    apart = ("textattack==0.3.11",)
    devices = frozenset({"cpu", "cuda"})
    pays_for_queries = False
    left_out: ClassVar[Mapping[str, str]] = {
        "AttackRecipe": "the base class of recipes",
        "ChineseRecipe": "it attacks classifiers of Chinese sentences",
        "FrenchRecipe": "it attacks classifiers of French sentences",
        "SpanishRecipe": "it attacks classifiers of Spanish sentences",
        "MorpheusTan2020": "it attacks translations: its goal is a low BLEU score",
        "Seq2SickCheng2018BlackBox": "it attacks translations: its goal is another text",
    }

    def attacks(self) -> Mapping[str, AttackInfo]:
        return {
            "hotflip": _of("HotFlipEbrahimi2017", "word", reads=True),
            "a2t": _of("A2TYoo2021", "word", reads=True),
            "textfooler": _of("TextFoolerJin2019", "word"),
            "pwws": _of("PWWSRen2019", "word"),
            "bae": _of("BAEGarg2019", "word"),
            "bertattack": _of("BERTAttackLi2020", "word"),
            "clare": _of("CLARE2020", "word"),
            "pso": _of("PSOZang2020", "word"),
            "leap": _of("LEAP2023", "word"),
            "genetic": _of("GeneticAlgorithmAlzantot2018", "word"),
            "fastgenetic": _of("FasterGeneticAlgorithmJia2019", "word"),
            "iga": _of("IGAWang2019", "word"),
            "kuleshov": _of("Kuleshov2017", "word"),
            "checklist": _of("CheckList2020", "word"),
            "inputreduction": _of("InputReductionFeng2018", "word"),
            "textbugger": _of("TextBuggerLi2018", "character", broken=_NO_LOOKALIKES),
            "deepwordbug": _of("DeepWordBugGao2018", "character"),
            "pruthi": _of("Pruthi2019", "character"),
            "badcharacters": _of("BadCharacters2021", "character", broken=_NO_LOOKALIKES),
        }

    def import_library(self) -> None:
        victims.offline()
        for name in ("transformers", "datasets"):  # they read where their caches are once
            importlib.import_module(name)
        with _nothing_downloaded():
            importlib.import_module("textattack")
        importlib.import_module("textattack.shared").logger.setLevel(logging.ERROR)

    def build_text_attack(self, attack: str, victim: Victim, settings: TextSettings) -> TextAttack:
        needs = _NEEDS[attack]
        shared: Any = importlib.import_module("textattack.shared.utils")
        shared.device = _torch_device(settings.device)
        _stop_words().read(settings.resources)
        supplies.provide(needs, settings.resources)
        wrapper = _wrapped(victim)
        filler = _filler(needs, settings)
        attacker = Recipe(partial(_build, attack, wrapper, settings.resources, filler))
        return TextAttack(
            classifier=wrapper,
            attacker=attacker,
            attached=contextlib.nullcontext,
            networks=[victim.model, *([] if filler is None else [filler[0]])],
            resources={entry: supplies.told(entry, settings.resources) for entry in needs},
        )


def _torch_device(name: str) -> Any:
    import torch

    return torch.device(name)


def _wrapped(victim: Victim) -> Any:
    """TextAttack's wrapper; a tokenizer that names no length is told that of the victims here."""
    from adapters.text.counted import CountedWrapper

    tokenizer = copy.copy(victim.tokenizer)
    if tokenizer.model_max_length > _LONGEST:
        tokenizer.model_max_length = victims.MAX_LENGTH
    return CountedWrapper(victim.model, tokenizer)


def _filler(needs: tuple[str, ...], settings: TextSettings) -> tuple[Any, Any] | None:
    """The network that fills blanks, and its tokenizer: the user's, or the stand-in."""
    entry = next((entry for entry in _FILLERS if entry in needs), None)
    if entry is None:
        return None
    path = resources.where(entry, settings.resources)
    if path is None:
        model, tokenizer = victims.masked_language_model(settings.victim, settings.seed)
        return model.to(settings.device), tokenizer
    with resources.readable(entry, path):
        import transformers

        # CLARE's network is one that fills blanks, and TextAttack loads it by this other class.
        by = "AutoModelForMaskedLM" if entry == MASKED else "AutoModelForCausalLM"
        model = (
            getattr(transformers, by)
            .from_pretrained(str(path), local_files_only=True)
            .to(settings.device)
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(path), local_files_only=True)
        return model.eval(), tokenizer


def _build(attack: str, wrapper: Any, folder: Path | None, filler: tuple[Any, Any] | None) -> Any:
    """A new `textattack.Attack`, by the recipe, with what it would download in its place."""
    recipe = Textattack().attacks()[attack].imported()
    module = importlib.import_module(recipe.__module__)
    utils = importlib.import_module("textattack.shared.utils")
    own: dict[str, Any] = {}
    if attack == "hotflip":
        own["WordSwapGradientBased"] = _by_word
    if attack == "pso":
        own["WordSwapHowNet"] = partial(_hownet, folder)
    if attack == "kuleshov":
        own["GPT2"] = supplies.gpt2
    if filler is not None:
        model, tokenizer = filler
        if attack == "clare":
            own["transformers"] = SimpleNamespace(
                AutoModelForCausalLM=Loads(model), AutoTokenizer=Loads(tokenizer)
            )
        else:
            own["WordSwapMaskedLM"] = partial(
                module.WordSwapMaskedLM, masked_language_model=model, tokenizer=tokenizer
            )
    with replaced(module, **own), replaced(utils, download_from_s3=_nowhere):
        return recipe.build(wrapper)


def _nowhere(*_: Any, **__: Any) -> str:
    """What would be downloaded has been handed over, and is not read from a file."""
    return ""


def _by_word(wrapper: Any, **options: Any) -> Any:
    """HotFlip's exchange of words; TextAttack lets it attack its own LSTM only."""
    from adapters.text.counted import ByWord

    name = "textattack.transformations.word_swaps.word_swap_gradient_based"
    module = importlib.import_module(name)
    with replaced(module, validate_model_gradient_word_swap_compatibility=lambda model: True):
        return module.WordSwapGradientBased(ByWord(wrapper), **options)


def _hownet(folder: Path | None, max_candidates: int = -1) -> Any:
    from textattack.transformations import WordSwapHowNet
    from textattack.transformations.word_swaps.word_swap import WordSwap

    made = WordSwapHowNet.__new__(WordSwapHowNet)  # its __init__ reads a pickle
    WordSwap.__init__(made)
    made.max_candidates = max_candidates
    made.candidates_bank = resources.hownet(folder)
    made.pos_dict = {"ADJ": "adj", "NOUN": "noun", "ADV": "adv", "VERB": "verb"}
    return made


def _stop_words() -> supplies.StopWords:
    """What stands for nltk's; TextAttack asks for it while it is imported."""
    corpus: Any = importlib.import_module("nltk.corpus")
    if not isinstance(corpus.stopwords, supplies.StopWords):
        corpus.stopwords = supplies.StopWords()
    found: supplies.StopWords = corpus.stopwords
    return found


@contextlib.contextmanager
def _nothing_downloaded() -> Iterator[None]:
    """TextAttack downloads resources of nltk when it is first imported, unless a file tells that
    it has; and it moves the caches of other libraries."""
    _stop_words()
    moved = ("TFHUB_CACHE_DIR", "PYTORCH_TRANSFORMERS_CACHE", "HF_HOME", "XDG_CACHE_HOME")
    before = {name: os.environ.get(name) for name in ("TA_CACHE_DIR", *moved)}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "post_install_check_3").touch()
        os.environ["TA_CACHE_DIR"] = folder
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
