"""OpenAttack: attacks on sentence classifiers, each with the library's own defaults.

Its `TransformersClassifier.get_prob` calls `get_grad`, so each query pays for a full backward pass,
whether the attack reads a gradient or not.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Mapping
from importlib import machinery
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from adapters.base import AttackInfo
from adapters.text import lexicon, resources, victims
from adapters.text.base import TextAdapter, TextAttack, TextSettings
from adapters.text.replacing import Loads, replaced
from adapters.text.resources import ENCODER, HOWNET, MASKED, SENTENCES, TAGGER, WORDNET
from adapters.text.victims import Victim

_TOKENS = (SENTENCES, TAGGER)
_NEEDS = {
    "textfooler": (*_TOKENS, WORDNET, ENCODER),
    "pwws": (*_TOKENS, WORDNET),
    "genetic": (*_TOKENS, WORDNET),
    "sememepso": (*_TOKENS, HOWNET),
    "bertattack": (MASKED,),
    "fd": (*_TOKENS, WORDNET),
    "deepwordbug": _TOKENS,
    "viper": (),
    "hotflip": (*_TOKENS, WORDNET),
    "textbugger": (*_TOKENS, WORDNET),
    "uat": _TOKENS,
    "bae": (TAGGER, ENCODER, MASKED),
}
"""Lexical resources of each attack."""
_ON_EVERY_QUERY = "a full backward pass for each query, read or not"


def _of(attacker: str, norm: str, *, reads: bool = False, extra: str = "") -> AttackInfo:
    return AttackInfo(
        norm=norm,
        access="white-box" if reads else "black-box",
        default_steps=1,
        source=f"OpenAttack.attackers.{attacker}",
        gradient_call="backward",
        extra_work=f"{_ON_EVERY_QUERY}{extra}",
    )


class Openattack(TextAdapter):
    """OpenAttack 2.1.1."""

    name = "openattack"
    distribution = "OpenAttack"
    devices = frozenset({"cpu", "cuda"})
    left_out: ClassVar[Mapping[str, str]] = {
        "GANAttacker": "it needs trained networks that nothing stands in for",
        "SCPNAttacker": "it needs trained networks and a parser in Java",
    }

    def attacks(self) -> Mapping[str, AttackInfo]:
        filling = "; forward passes of a masked language model"
        return {
            "textfooler": _of("TextFoolerAttacker", "word"),
            "pwws": _of("PWWSAttacker", "word"),
            "genetic": _of("GeneticAttacker", "word"),
            "sememepso": _of("PSOAttacker", "word"),
            "bertattack": _of("BERTAttacker", "word", extra=filling),
            "fd": _of("FDAttacker", "word", reads=True),
            "deepwordbug": _of("DeepWordBugAttacker", "character"),
            "viper": _of("VIPERAttacker", "character"),
            "hotflip": _of("HotFlipAttacker", "word"),
            "textbugger": _of("TextBuggerAttacker", "character"),
            "uat": _of("UATAttacker", "sentence"),
            "bae": _of("BAEAttacker", "word", extra=filling),
        }

    def import_library(self) -> None:
        victims.offline()
        with _modules_found():
            importlib.import_module("OpenAttack")

    def build_text_attack(self, attack: str, victim: Victim, settings: TextSettings) -> TextAttack:
        needs = _NEEDS[attack]
        resources.provide(needs, settings.resources)
        classifier, attached = _classifier(victim, settings)
        attacker = _build(attack, victim, settings)
        filler = getattr(attacker, "mlm_model", None)
        return TextAttack(
            classifier=classifier,
            attacker=attacker,
            attached=attached,
            networks=[victim.model, *([] if filler is None else [filler])],
            resources={entry: resources.told(entry, settings.resources) for entry in needs},
        )


def _classifier(
    victim: Victim, settings: TextSettings
) -> tuple[Any, Callable[[], contextlib.AbstractContextManager[None]]]:
    """OpenAttack's wrapper, and the block inside which it watches the embeddings.

    Two wrappers around one model must not both watch: each asks for a gradient to be kept.
    """
    import torch
    from OpenAttack.utils import HookCloser
    from OpenAttack.victim.classifiers import TransformersClassifier

    from adapters.text.forward_only import ForwardOnlyClassifier

    kind = ForwardOnlyClassifier if settings.forward_only else TransformersClassifier
    layer = victim.embedding
    device = torch.device(settings.device)
    made = kind(victim.model, victim.tokenizer, layer, device=device, max_length=victims.MAX_LENGTH)
    made.hook.remove()
    if settings.forward_only:
        return made, contextlib.nullcontext

    @contextlib.contextmanager
    def watching() -> Iterator[None]:
        made.hook = layer.register_forward_hook(HookCloser(made))
        try:
            yield
        finally:
            made.hook.remove()
            made.curr_embedding = None

    return made, watching


def _build(attack: str, victim: Victim, settings: TextSettings) -> Any:
    """The attacker with the library's defaults; what it needs to know of the victim or device is
    told it."""
    import torch
    from OpenAttack import attackers
    from OpenAttack.attack_assist.substitute.word import HowNetSubstitute

    device = torch.device(settings.device)
    folder = settings.resources
    if attack == "textfooler":
        module = importlib.import_module("OpenAttack.attackers.textfooler")
        with _encoder(module, folder):
            return attackers.TextFoolerAttacker()
    if attack == "sememepso":
        substitute = HowNetSubstitute.__new__(HowNetSubstitute)  # its __init__ reads a pickle
        substitute.dict, substitute.k = resources.hownet(folder), None
        return attackers.PSOAttacker(substitute=substitute)
    if attack == "fd":
        return attackers.FDAttacker(token_unk=victim.tokenizer.unk_token)
    if attack == "bertattack":
        module = importlib.import_module("OpenAttack.attackers.bert_attack")
        with _masked_language_model(module, settings) as path:
            return _callable_by_old_name(attackers.BERTAttacker(mlm_path=path, device=device))
    if attack == "bae":
        module = importlib.import_module("OpenAttack.attackers.bae")
        with _encoder(module, folder), _masked_language_model(module, settings) as path:
            return _callable_by_old_name(attackers.BAEAttacker(mlm_path=path, device=device))
    return Openattack().attacks()[attack].imported()()


def _callable_by_old_name(attacker: Any) -> Any:
    """transformers 5 has no `encode_plus` any more, which was the tokenizer's call."""
    if not hasattr(attacker.tokenizer_mlm, "encode_plus"):
        attacker.tokenizer_mlm.encode_plus = attacker.tokenizer_mlm.__call__
    return attacker


@contextlib.contextmanager
def _encoder(module: ModuleType, folder: Path | None) -> Iterator[None]:
    """Inside the block the module's sentence encoder is the user's, or its stand-in."""
    path = resources.where(ENCODER, folder)
    if path is None:
        with replaced(module, UniversalSentenceEncoder=_stand_in_encoder):
            yield
        return
    with resources.readable(ENCODER, path):
        from OpenAttack import DataManager

        DataManager.data_path[ENCODER] = str(path)
        DataManager.data_reference[ENCODER] = None
        yield


def _stand_in_encoder() -> Any:
    from OpenAttack.metric import UniversalSentenceEncoder

    class StandIn(UniversalSentenceEncoder):  # type: ignore[misc]
        def __init__(self) -> None:
            """Loads nothing."""

        def calc_score(self, first: str, second: str) -> float:
            return lexicon.similarity(first, second)

    return StandIn()


@contextlib.contextmanager
def _masked_language_model(module: ModuleType, settings: TextSettings) -> Iterator[str]:
    """Inside the block the module loads the user's masked language model, or the stand-in."""
    path = resources.where(MASKED, settings.resources)
    if path is not None:
        with resources.readable(MASKED, path):
            yield str(path)
        return
    model, tokenizer = victims.masked_language_model(settings.victim, settings.seed)
    with replaced(
        module,
        BertConfig=Loads(model.config),
        BertForMaskedLM=Loads(model),
        BertTokenizer=Loads(tokenizer),
    ):
        yield ""


@contextlib.contextmanager
def _modules_found() -> Iterator[None]:
    """OpenAttack lists its data by `FileFinder.find_loader`, which Python 3.12 took away."""
    finder: Any = machinery.FileFinder
    if hasattr(finder, "find_loader"):
        yield
        return

    def find_loader(self: Any, name: str) -> tuple[Any, list[str]]:
        spec = self.find_spec(name)
        return (None if spec is None else spec.loader), []

    finder.find_loader = find_loader
    try:
        yield
    finally:
        del finder.find_loader
